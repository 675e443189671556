// A process of its own: takes bytes over plain TLS, and segments over `perch.captures.1`, and has them on the disk before
// it says so. node receiver.ts CERT KEY DIRECTORY
import { createHash } from 'node:crypto';
import { closeSync, fsync, openSync, readFileSync, write } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer as createTls } from 'node:tls';
import {
  captureLimits,
  decodeFromDevice,
  encodeCaptureMessage,
  FRAME_HEADER_BYTES,
  PERCH_CAPTURES_1,
  readFrameHeader,
} from '@perch/protocol';
import { WebSocketServer } from 'ws';

const [certFile = '', keyFile = '', directory = ''] = process.argv.slice(2);
const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile) };

const plain = createTls(pair, (socket) => {
  const file = openSync(join(directory, 'plain'), 'w');
  socket.on('data', (bytes) => {
    socket.pause();
    write(file, bytes, () => socket.resume());
  });
  socket.on('end', () =>
    fsync(file, () => {
      closeSync(file);
      socket.end('safe');
    }),
  );
});

const https = createHttps(pair);
new WebSocketServer({ server: https, perMessageDeflate: false, handleProtocols: () => PERCH_CAPTURES_1 }).on(
  'connection',
  (socket) => {
    const arriving = new Map<
      number,
      { size: number; at: number; said: number; file: number; hash: ReturnType<typeof createHash> }
    >();
    const say = (message: Parameters<typeof encodeCaptureMessage>[0]) =>
      socket.send(encodeCaptureMessage(message));
    say({ type: 'hello', window: captureLimits.windowBytes, streams: captureLimits.streams });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isBinary) {
        const message = decodeFromDevice(data.toString());
        if (message?.type === 'event') say({ type: 'noted', id: message.id });
        if (message?.type !== 'offer') return;
        const file = openSync(join(directory, `segment-${message.segment}`), 'w');
        arriving.set(message.stream, {
          size: message.size,
          at: 0,
          said: 0,
          file,
          hash: createHash('sha256'),
        });
        say({ type: 'send', stream: message.stream, offset: 0 });
        return;
      }
      const { stream, offset } = readFrameHeader(data);
      const one = arriving.get(stream);
      if (!one) return;
      const payload = data.subarray(FRAME_HEADER_BYTES);
      one.hash.update(payload);
      socket.pause();
      write(one.file, payload, 0, payload.length, offset, () => {
        socket.resume();
        one.at += payload.length;
        const isWhole = one.at === one.size;
        if (isWhole || one.at - one.said >= captureLimits.receivedEveryBytes) {
          one.said = one.at;
          say({ type: 'received', stream, offset: one.at });
        }
        if (!isWhole) return;
        fsync(one.file, () => {
          closeSync(one.file);
          say({ type: 'persisted', stream, sha256: one.hash.digest('hex') });
        });
      });
    });
  },
);

plain.listen(0, '127.0.0.1', () =>
  https.listen(0, '127.0.0.1', () => {
    const ports = {
      plain: (plain.address() as AddressInfo).port,
      captures: (https.address() as AddressInfo).port,
    };
    process.stdout.write(`${JSON.stringify(ports)}\n`);
  }),
);
