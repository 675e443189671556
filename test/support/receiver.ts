import * as ws from 'ws';

/** The receiving half of `ws`, which its types leave out: it judges our frames as a client would. */
export interface Receiver {
  write(bytes: Uint8Array): void;
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this;
  on(event: 'ping', listener: (data: Buffer) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
}

/** A client's receiver. Feed it by `write`; it answers synchronously. */
export const makeReceiver = (): Receiver =>
  new (ws as unknown as { Receiver: new (options: object) => Receiver }).Receiver({ isServer: false });
