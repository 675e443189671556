// A device whose power fails: node crash-child.ts HOME RELAY-URL DIE-AT. It says in lines of JSON what it has promised.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PERCH_CAPTURES_1 } from '@perch/protocol';
import { silentLogger, systemClock } from '@perch/runtime';
import { WebSocket } from 'ws';
import { Captures } from '../../captures/captures.ts';
import { Uploader } from '../../upload/index.ts';
import { powerCutFiles } from './power-cut.ts';

const [home = '', relay = '', dieAt = ''] = process.argv.slice(2);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const captures = await Captures.start({
  data: home,
  options: {
    inputs: [{ host: '127.0.0.1', port: 0 }],
    inputDirectory: join(home, 'camera'),
    fileList: join(home, 'list'),
  },
  upload: (parts) =>
    new Uploader({
      ...parts,
      dial: () => new WebSocket(relay, [PERCH_CAPTURES_1], { perMessageDeflate: false }),
    }),
  files: powerCutFiles(
    { directory: join(home, 'captures', 'spool'), platter: join(home, 'platter') },
    Number(dieAt),
  ),
  clock: systemClock,
  logger: { ...silentLogger, error: (message, fields) => say({ error: message, ...fields }) },
});
captures.spool.news.on('taken', ({ capture, segment, sha256 }) =>
  say({ taken: `${capture.id}/${segment}`, sha256 }),
);
say({ ready: captures.addresses[0] });
const isListRead = () => {
  const { offset } = JSON.parse(readFileSync(join(home, 'captures', 'list-position'), 'utf8')) as {
    offset: number;
  };
  return offset === statSync(join(home, 'list')).size;
};
const look = () => {
  const { segments, events } = captures.dump();
  if (segments === 0 && events === 0 && isListRead()) say({ empty: true });
};
captures.spool.news.on('left', () => setImmediate(look));
setInterval(look, 200);
