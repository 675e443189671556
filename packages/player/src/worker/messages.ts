import type { Millis } from '@perch/runtime';
import type { PlayerStats } from '../state.ts';

/** Page → worker. */
export type ToWorker =
  | {
      readonly type: 'start';
      readonly url: string;
      readonly token: string | undefined;
      readonly canvas: OffscreenCanvas;
      /** Where the chunk with the MPEG-1 decoders is. */
      readonly softwareUrl: string;
      /** `performance.timeOrigin` of the page. */
      readonly pageOrigin: number;
    }
  | { readonly type: 'token'; readonly token: string | undefined }
  /** The worklet's end of a channel: sound goes there straight, not through the page. */
  | { readonly type: 'soundPort'; readonly port: MessagePort }
  /** Whether sound is heard; while it is not, none is decoded and pictures wait for nothing. */
  | { readonly type: 'sound'; readonly on: boolean; readonly outputLatencyMs: number }
  | { readonly type: 'visible'; readonly visible: boolean }
  /** The network is back. */
  | { readonly type: 'reconnect' }
  | { readonly type: 'close' };

/** How the worker sees the stream; the page adds what it knows of sound. */
export type StreamState =
  | { readonly kind: 'connecting'; readonly attempt: number }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'live' }
  /** `nextTryIn` in ms from when the message was posted. */
  | { readonly kind: 'lost'; readonly reason: string; readonly nextTryIn: Millis }
  | { readonly kind: 'refused'; readonly reason: string };

/** What sound the stream has. */
export type StreamSound =
  | { readonly kind: 'none' }
  | { readonly kind: 'playable' }
  | { readonly kind: 'unsupported'; readonly reason: string };

/** Worker → page. */
export type FromWorker =
  | { readonly type: 'state'; readonly state: StreamState }
  | { readonly type: 'streamSound'; readonly sound: StreamSound }
  | { readonly type: 'size'; readonly width: number; readonly height: number }
  | { readonly type: 'stats'; readonly stats: PlayerStats }
  /** Timed data whose picture is shown now. */
  | {
      readonly type: 'data';
      readonly pid: number;
      readonly format: string;
      readonly bytes: Uint8Array;
      readonly mediaMs: number;
      /** Wall clock in ms, with fractions. */
      readonly shownAt: number;
    }
  /** Decoding broke off, or the address is wrong. */
  | { readonly type: 'error'; readonly message: string }
  | { readonly type: 'closed' };
