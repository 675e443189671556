// A process of its own: takes a file into its spool a few times, and sends it. node device.ts FILE TIMES DIRECTORY URL CA
import { join } from 'node:path';
import { PERCH_CAPTURES_1 } from '@perch/protocol';
import { millis, silentLogger, sleep, systemClock } from '@perch/runtime';
import { Spool } from '../../packages/agent/src/spool/spool.ts';
import { makeDialer } from '../../packages/agent/src/uplink/dial.ts';
import { Uploader } from '../../packages/agent/src/upload/uploader.ts';

const [path = '', times = '', directory = '', url = '', caFile = ''] = process.argv.slice(2);
const spool = await Spool.open({
  directory: join(directory, 'spool'),
  clock: systemClock,
  logger: silentLogger,
});
const capture = spool.name('pir', 1);
for (let segment = 0; segment < Number(times); segment++)
  await spool.take({ capture, segment, extension: 'mp4', path });
const dialer = await makeDialer({ caFile });
const uploader = new Uploader({
  spool,
  // As the agent dials its relay.
  dial: () => dialer.dial(url, [PERCH_CAPTURES_1], {}, { zeroMask: true }).socket,
  clock: systemClock,
  logger: silentLogger,
});
const began = performance.now();
uploader.start();
while (spool.dump().segments > 0) await sleep(systemClock, millis(5));
const took = performance.now() - began;
await uploader.close();
await spool.close();
process.stdout.write(`${JSON.stringify({ took, rssKiB: process.resourceUsage().maxRSS })}\n`);
