import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { AgentError, systemCode } from '../errors.ts';
import { Connection } from './connection.ts';
import type { FilmOptions } from './film.ts';

/** Camera programs that may be connected at once. */
const MOST_CONNECTIONS = 256;

/** Where camera programs connect: a TCP address, or the path of a unix socket. */
export type InputAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * A stream socket on which camera programs say what they have filmed. One connection is one capture; many may be open
 * at once.
 */
export class InputSocket implements AsyncDisposable {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly address: InputAddress;

  private constructor(server: Server, address: InputAddress) {
    this.#server = server;
    this.address = address;
  }

  /** @throws {AgentError} `port-in-use`, `listen-failed` */
  static async listen(address: InputAddress, options: FilmOptions): Promise<InputSocket> {
    if ('path' in address) await removeStale(address.path);
    const server = createServer({ noDelay: true });
    try {
      await Promise.all([once(server, 'listening'), Promise.resolve(server.listen(address))]);
    } catch (cause) {
      throw listenError(address, cause);
    }
    const bound =
      'path' in address ? address : { host: address.host, port: (server.address() as AddressInfo).port };
    const input = new InputSocket(server, bound);
    server.on('connection', (socket) => input.#serve(socket, options));
    return input;
  }

  /** How many are connected. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes no more connections and ends those that are open. Resolves when all they said is in the spool. Idempotent. */
  async close(): Promise<void> {
    const closed = this.#server.listening && new Promise((resolve) => this.#server.close(resolve));
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #serve(socket: Socket, options: FilmOptions): void {
    if (this.#connections.size >= MOST_CONNECTIONS) {
      options.logger.error('a camera program was turned away: too many are connected', {
        most: MOST_CONNECTIONS,
      });
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, options);
    this.#connections.add(connection);
    void connection.ended.then(() => this.#connections.delete(connection));
  }
}

/** A socket file that nobody listens on is what a killed agent leaves. Anything else is not ours to remove. */
async function removeStale(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats) return;
  if (!stats.isSocket())
    throw new AgentError(
      'listen-failed',
      `${path} is no socket: choose another path with --input_sock, or remove it`,
    );
  const socket = createConnection({ path });
  const isAlive = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  if (isAlive)
    throw new AgentError(
      'port-in-use',
      `another program listens on ${path}: stop it, or choose another --input_sock`,
    );
  await rm(path, { force: true });
}

function listenError(address: InputAddress, cause: unknown): AgentError {
  const where = 'path' in address ? address.path : `${address.host}:${address.port}`;
  const flag = 'path' in address ? '--input_sock' : '--input_port';
  if (systemCode(cause) === 'EADDRINUSE')
    return new AgentError(
      'port-in-use',
      `${where} for captures is in use: stop the other program, or choose another with ${flag}`,
      { cause },
    );
  return new AgentError('listen-failed', `cannot take captures on ${where}: ${(cause as Error).message}`, {
    cause,
  });
}
