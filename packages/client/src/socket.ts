/** What {@link Connection} asks of a WebSocket. The browser's and that of the `ws` package both fit. */
export interface SocketLike {
  binaryType: string;
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  /** Bytes given to `send` that the network has not taken yet. */
  readonly bufferedAmount: number;
  /** The subprotocol that the server chose, or `''`. */
  readonly protocol: string;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: (event: object) => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
}

/** Dials. May throw for an address that can never work. */
export type OpenSocket = (url: string, protocols: readonly string[]) => SocketLike;

/** The part of `fetch` that this package uses; the platform's own fits. */
export type FetchLike = (
  url: string,
  init: { method: string; headers: Record<string, string>; signal?: never; credentials?: 'include' | 'omit' },
) => Promise<{ readonly ok: boolean; readonly status: number; text(): Promise<string> }>;
