import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { channelLimits, PERCH_AGENT_1 } from '@perch/protocol';
import { type Clock, silentLogger } from '@perch/runtime';
import { WebSocketServer } from 'ws';
import type { Noted } from '../../../packages/relay/src/audit/audit.ts';
import { DeviceLinks } from '../../../packages/relay/src/devices/control/device-links.ts';

/** The relay's side of control connections on a port of its own, where the `Device` header says who comes. */
export class ControlRelay implements AsyncDisposable {
  readonly links: DeviceLinks;
  /** What the audit was told: `outcome what device detail`. */
  readonly noted: string[] = [];
  onNote: (line: string) => void = () => undefined;
  /** Devices that have left, in this order. */
  readonly gone: string[] = [];
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #rights = new Set<() => void>();
  /** Answers upgrades with this in place of a welcome. */
  refusal: string | undefined;

  private constructor(server: Server, clock: Clock) {
    this.#server = server;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: channelLimits.messageBytes,
      autoPong: false,
      handleProtocols: (offered) => (offered.has(PERCH_AGENT_1) ? PERCH_AGENT_1 : false),
    });
    const note = (outcome: string, { what, device, detail }: Noted) => {
      const line = [outcome, what, device, detail].filter(Boolean).join(' ');
      this.noted.push(line);
      this.onNote(line);
    };
    this.links = new DeviceLinks({
      whileHolds: (_, end) => {
        this.#rights.add(end);
        return { [Symbol.dispose]: () => void this.#rights.delete(end) };
      },
      onGone: (device) => void this.gone.push(device),
      audit: {
        done: (entry) => note('done', entry),
        begin: (entry) => {
          note('begun', entry);
          return () => note('ended', entry);
        },
      },
      clock,
      logger: silentLogger,
    });
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** @param port where it listens; by default a free one. */
  static async open(clock: Clock, port = 0): Promise<ControlRelay> {
    const server = createServer();
    const relay = new ControlRelay(server, clock);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Every right to be connected ends, as when a device is removed. */
  endRights(): void {
    for (const end of [...this.#rights]) end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.links.close(100);
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    if (this.refusal !== undefined) {
      socket.end(this.refusal);
      return;
    }
    const device = String(request.headers.device ?? 'kitchen-x7k2');
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const by = { kind: 'device', id: device, rests: [], seq: 0 } as const;
      this.links.accept({ webSocket, socket, device, household: 'home', by, from: '10.0.0.1' });
    });
  }
}
