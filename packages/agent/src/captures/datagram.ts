import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { type Clock, millis } from '@perch/runtime';
import { CameraError } from './errors.ts';

/** Where a camera program listens for commands: a UDP address, or an existing unix datagram socket. */
export type CameraAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** A refusal comes back at once on one machine, and within this from a neighbour. */
const REFUSAL = millis(50);
/** A program that sends a datagram for us has so long. */
const HELPER = millis(5_000);

/**
 * Sends one datagram. Resolves when it has been handed over: a unix socket's listener has it; by UDP nobody refused it.
 *
 * @throws {CameraError} `camera-absent` where nobody listens, `camera-unreachable` with the system's words.
 */
export function sendDatagram(text: string, to: CameraAddress, clock: Clock): Promise<void> {
  return 'path' in to ? sendUnix(text, to.path, clock) : sendUdp(text, to, clock);
}

async function sendUdp(
  text: string,
  { host, port }: { host: string; port: number },
  clock: Clock,
): Promise<void> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (error: Error) => reject(cameraError(`${host}:${port}`, error));
  let late: { cancel(): void } | undefined;
  try {
    socket.on('error', fail);
    // Connected, so that the kernel tells us when nobody listens.
    socket.connect(port, host, () => {
      socket.send(text, (error) => {
        if (error) fail(error);
        // A refusal that came while this machine stood still is heard first.
        else late = clock.after(REFUSAL, () => setImmediate(resolve));
      });
    });
    await promise;
  } finally {
    late?.cancel();
    socket.close();
  }
}

/** Node has no unix datagram sockets; every Debian has Perl, and most machines Python. */
const helpers = [
  [
    'perl',
    '-MSocket',
    '-e',
    'socket(S,PF_UNIX,SOCK_DGRAM,0) && connect(S,pack_sockaddr_un($ARGV[0])) && defined(send(S,$ARGV[1],0)) or do { print $!+0; exit 3 }',
  ],
  [
    'python3',
    '-c',
    `import socket, sys
try:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(sys.argv[1]); s.send(sys.argv[2].encode())
except OSError as error:
    print(error.errno, end=''); sys.exit(3)`,
  ],
] as const;

async function sendUnix(text: string, path: string, clock: Clock): Promise<void> {
  for (const [program, ...args] of helpers) {
    const result = await run(program, [...args, path, text], clock);
    if (result === 'sent') return;
    if (result !== 'no such program') throw result.error(path);
  }
  throw new CameraError(
    'camera-unreachable',
    'commands to a unix socket need perl or python3 on this machine: install one, or give --cam_addr',
  );
}

type Outcome = 'sent' | 'no such program' | { readonly error: (path: string) => CameraError };

function run(program: string, args: readonly string[], clock: Clock): Promise<Outcome> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const late = clock.after(HELPER, () => child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    said += part;
  });
  child.once('error', (error: NodeJS.ErrnoException) => {
    resolve(error.code === 'ENOENT' ? 'no such program' : { error: (path) => cameraError(path, error) });
  });
  child.once('close', (code, signal) => {
    if (code === 0) resolve('sent');
    else if (signal)
      resolve({
        error: (path) =>
          new CameraError('camera-unreachable', `${path} does not take datagrams: its queue is full`),
      });
    else resolve({ error: (path) => cameraError(path, errnoError(Number(said))) });
  });
  return promise.finally(() => late.cancel());
}

/** The system's numbers on Linux, as far as they matter here. */
const errnos: Readonly<Record<number, readonly [string, string]>> = {
  2: ['ENOENT', 'there is no such socket'],
  13: ['EACCES', 'this user may not write to it'],
  91: ['EPROTOTYPE', 'it is a stream socket, not a datagram socket'],
  111: ['ECONNREFUSED', 'nobody listens'],
};

function errnoError(number: number): NodeJS.ErrnoException {
  const [code, words] = errnos[number] ?? ['EIO', `system error ${number}`];
  return Object.assign(new Error(words), { code });
}

function cameraError(where: string, cause: NodeJS.ErrnoException): CameraError {
  const isAbsent = ['ECONNREFUSED', 'ENOENT'].includes(cause.code ?? '');
  return isAbsent
    ? new CameraError('camera-absent', `no camera program listens on ${where}: is it running?`, { cause })
    : new CameraError(
        'camera-unreachable',
        `the camera program at ${where} cannot be told: ${cause.message}`,
        { cause },
      );
}
