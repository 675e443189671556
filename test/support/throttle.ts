import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A line that carries only so much, in front of a server; what it does not carry waits, in the kernel too. */
export interface Throttle extends AsyncDisposable {
  readonly port: number;
  /** Bytes per second towards the server, from now on. The way back is free. */
  rate: number;
}

const STEP_MS = 5;

/** @param port where the server listens, on loopback. */
export async function openThrottle(port: number, rate = Number.POSITIVE_INFINITY): Promise<Throttle> {
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  const throttle = { rate };
  let room = 0;
  let isFull = false;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    room += ((now - last) / 1000) * throttle.rate;
    // No more than two steps are saved up: a line does not carry yesterday's bytes. One that was full has carried all the
    // time, also while this process stood still.
    if (!isFull) room = Math.min(room, throttle.rate * ((2 * STEP_MS) / 1000));
    last = now;
    isFull = false;
    for (const wake of [...waiting]) wake();
  }, STEP_MS);
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket.setNoDelay(true));
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
        waiting.delete(pump);
      });
    }
    far.pipe(near);
    const pump = () => {
      for (;;) {
        if (throttle.rate !== Number.POSITIVE_INFINITY && room < 1) {
          isFull ||= near.readableLength > 0;
          return;
        }
        const most = throttle.rate === Number.POSITIVE_INFINITY ? undefined : Math.max(1, Math.floor(room));
        const length = near.readableLength;
        const part = near.read(most !== undefined && most < length ? most : undefined) as Buffer | null;
        if (!part) return;
        if (most !== undefined) room -= part.length;
        far.write(part);
      }
    };
    near.on('readable', pump);
    near.on('end', () => far.end());
    waiting.add(pump);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get rate() {
      return throttle.rate;
    },
    set rate(value) {
      throttle.rate = value;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
