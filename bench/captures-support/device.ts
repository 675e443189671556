// A process of its own: takes a file into its spool a few times, and sends it as the agent does.
// NODE_EXTRA_CA_CERTS=CA node device.ts FILE TIMES DIRECTORY URL CA; DIRECTORY/device.json says who it is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PERCH_CAPTURES_1 } from '@perch/protocol';
import { millis, silentLogger, sleep, systemClock } from '@perch/runtime';
import { keepHeapTight } from '../../packages/agent/src/heap.ts';
import { Spool } from '../../packages/agent/src/spool/spool.ts';
import { makeDialer } from '../../packages/agent/src/uplink/dial.ts';
import { Uploader } from '../../packages/agent/src/upload/uploader.ts';
import { TestDevice } from '../../packages/relay/src/devices/testing/test-device.ts';

/** So many segments are one film. */
const OF_ONE_FILM = 20;

keepHeapTight();
const [path = '', times = '', directory = '', url = '', caFile = ''] = process.argv.slice(2);
const device = new TestDevice(JSON.parse(readFileSync(join(directory, 'device.json'), 'utf8')));
const spool = await Spool.open({
  directory: join(directory, 'spool'),
  clock: systemClock,
  logger: silentLogger,
});
let capture = spool.name('pir', 1);
const takingBegan = performance.now();
for (let n = 0; n < Number(times); n++) {
  const segment = n % OF_ONE_FILM;
  if (segment === 0) capture = spool.name('pir', 1 + n);
  await spool.take({ capture, segment, extension: 'mp4', path });
}
const taking = performance.now() - takingBegan;
const dialer = await makeDialer({ caFile });
const uploader = new Uploader({
  spool,
  // As the agent dials its relay.
  dial: async () => {
    const headers = await device.authorization(url);
    const at = `${url.replace(/^http/, 'ws')}/agent/captures`;
    return dialer.dial(at, [PERCH_CAPTURES_1], { headers }, { zeroMask: true }).socket;
  },
  clock: systemClock,
  logger: silentLogger,
});
const began = performance.now();
uploader.start();
while (spool.dump().segments > 0) await sleep(systemClock, millis(5));
const took = performance.now() - began;
const { repeated } = uploader.dump();
await uploader.close();
await spool.close();
process.stdout.write(
  `${JSON.stringify({ taking, took, repeated, rssKiB: process.resourceUsage().maxRSS })}\n`,
);
