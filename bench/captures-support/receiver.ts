// A process of its own: takes bytes over plain TLS and has them on the disk before it says so, and is a relay; measures
// how long the relay's event loop is held up, which live viewers share. node receiver.ts CERT KEY DIRECTORY, by fork.
import { createWriteStream, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createServer as createTls } from 'node:tls';
import { silentLogger } from '@perch/runtime';
import { startRelay } from '../../packages/relay/src/index.ts';

const [certFile = '', keyFile = '', directory = ''] = process.argv.slice(2);
const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile) };

const plain = createTls({ ...pair, allowHalfOpen: true }, (socket) => {
  const path = join(directory, 'plain');
  // `flush`: synced before it is closed. What comes while it writes is written together.
  const file = createWriteStream(path, { highWaterMark: 4 * 1024 * 1024, flush: true });
  socket.pipe(file).once('close', async () => {
    socket.end('safe');
    await rm(path);
  });
});
const relay = await startRelay({
  listen: { host: '127.0.0.1', port: 0 },
  data: join(directory, 'relay'),
  tls: { cert: certFile, key: keyFile },
  logger: silentLogger,
});
const held = monitorEventLoopDelay({ resolution: 1 });
process.on('message', (what) => {
  if (what === 'begin') {
    held.reset();
    held.enable();
  } else {
    held.disable();
    // A histogram counts the whole pause between two looks, the millisecond of the timer included; in ns.
    process.send?.({
      p50: held.percentile(50) / 1e6,
      p99: held.percentile(99) / 1e6,
      max: held.max / 1e6,
      rssKiB: process.resourceUsage().maxRSS,
    });
  }
});
plain.listen(0, '127.0.0.1', async () =>
  process.send?.({
    plain: (plain.address() as AddressInfo).port,
    port: relay.port,
    code: await relay.createEnrolmentCode('bench'),
  }),
);
