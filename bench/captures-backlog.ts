/**
 * Claim: an agent on whose spool 100,000 segments wait starts within 2 s, and its memory is flat: at most 40 MiB more than
 * with an empty one, after the start and while it works through them.
 *
 * PERCH_SEGMENTS says how many; five of them are one film. Each start is a process of its own.
 */
import { execFile } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';

const COUNT = Number(process.env.PERCH_SEGMENTS ?? 100_000);
const OF_ONE_FILM = 5;
const run = promisify(execFile);
const cache = join(import.meta.dirname, '../.cache');

/** Fills a spool as the agent does, with the journal's own lines; all files are names of a few. */
function fill(directory: string, count: number): void {
  mkdirSync(directory);
  const lines: string[] = [];
  const LINKS = 30_000;
  let film = '';
  for (let n = 1; n <= count; n++) {
    const second = 1_795_000_000 + Math.ceil(n / OF_ONE_FILM);
    const capture = { id: `pir-${second}-AAAAAAAA`, trigger: 'pir', timestamp: second };
    const file = `${n}.${capture.id}.pir.${second}.${n % OF_ONE_FILM}.mp4`;
    if (n % LINKS === 1) {
      film = join(directory, file);
      writeFileSync(film, 'film');
    } else linkSync(film, join(directory, file));
    const modified = Math.floor(statSync(film).mtimeMs);
    const more = { extension: 'mp4', size: 4, sha256: '0'.repeat(64), modified, taken: Date.now() };
    const json = JSON.stringify({
      ...{ k: 'segment', n },
      segment: { capture, segment: n % OF_ONE_FILM, ...more, file },
    });
    lines.push(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
  }
  writeFileSync(join(directory, 'journal'), lines.join(''));
}

interface Found {
  readonly opened: number;
  readonly after: number;
  readonly peak: number;
  readonly most: number;
  readonly worked: number;
  readonly left: number;
}

async function measure(count: number): Promise<Found> {
  mkdirSync(cache, { recursive: true });
  const home = mkdtempSync(join(cache, 'bench-backlog-'));
  try {
    const spool = join(home, 'spool');
    fill(spool, count);
    const program = join(import.meta.dirname, 'captures-support/backlog.ts');
    const { stdout } = await run(process.execPath, [program, spool, `${count}`]);
    return JSON.parse(stdout) as Found;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

const heads = [
  ...['segments', 'start-up, s', 'memory after it, MiB', 'most until then', 'most while they leave'],
  'segments per s',
];
console.log(`| ${heads.join(' | ')} |\n|${heads.map(() => '---|').join('')}`);
const founds: Found[] = [];
for (const count of [0, 1_000, COUNT]) {
  const found = await measure(count);
  founds.push(found);
  const { opened, after, peak, most, worked } = found;
  const perSecond = count === 0 ? '–' : ((count * 1_000) / worked).toFixed(0);
  const row = [
    count,
    (opened / 1_000).toFixed(2),
    ...[after, peak, most].map((mib) => mib.toFixed(0)),
    perSecond,
  ];
  console.log(`| ${row.join(' | ')} |`);
}
const [empty, , full] = founds;
if (!empty || !full || full.opened > 2_000 || full.most - empty.most > 40) process.exitCode = 1;
