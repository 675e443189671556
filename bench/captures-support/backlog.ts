// A process of its own: opens a spool in which so many segments wait, and sends them to nobody but itself.
// node backlog.ts DIRECTORY COUNT
import { silentLogger, systemClock } from '@perch/runtime';
import { keepHeapTight } from '../../packages/agent/src/heap.ts';
import { disk } from '../../packages/agent/src/spool/files.ts';
import { Spool } from '../../packages/agent/src/spool/spool.ts';

keepHeapTight();
const [directory = '', count = '0'] = process.argv.slice(2);
const mib = () => process.memoryUsage().rss / 1024 / 1024;
const began = performance.now();
const spool = await Spool.open({ directory, clock: systemClock, logger: silentLogger, files: disk });
const opened = performance.now() - began;
if (spool.dump().segments !== Number(count)) throw new Error(JSON.stringify(spool.dump()));
const after = mib();
const peak = process.resourceUsage().maxRSS / 1024;
const workBegan = performance.now();
let most = after;
for (let i = 0; ; i++) {
  const some = await Promise.all(Array.from({ length: 8 }, () => spool.checkOut()));
  await Promise.all(some.map((out) => out?.persisted()));
  if (i % 100 === 0) most = Math.max(most, mib());
  if (some.some((out) => out === undefined)) break;
}
const worked = performance.now() - workBegan;
await spool.close();
process.stdout.write(`${JSON.stringify({ opened, after, peak, most, worked, left: mib() })}\n`);
