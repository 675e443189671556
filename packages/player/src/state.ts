import type { Millis } from '@perch/runtime';

/** Whether the stream's sound is heard, and why not. */
export type SoundState =
  /** No program seen yet, or one without sound. */
  | { readonly kind: 'none' }
  | { readonly kind: 'on' }
  /** Muted by the person or the page. */
  | { readonly kind: 'off' }
  /** The browser wants a tap first. */
  | { readonly kind: 'blocked' }
  /** Nothing here decodes it; in words. */
  | { readonly kind: 'unsupported'; readonly reason: string };

/** Where a player stands. */
export type PlayerState =
  /** Nothing to play yet: no `src`, or paused. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly attempt: number }
  /** Connected, and no picture or sound has come so far. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'live'; readonly sound: SoundState }
  /** Between two tries; `nextTryAt` is on the clock of `performance.now()`. */
  | { readonly kind: 'lost'; readonly reason: string; readonly nextTryAt: Millis }
  /** Cannot be played here; in words that say what to do. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Figures of a player, about once a second. */
export interface PlayerStats {
  /** From capture (where the relay knows it, else undefined) to the screen. */
  readonly latencyMs: number | undefined;
  /** Sound in hand, or pictures held where no sound plays. */
  readonly bufferMs: number;
  /** The lowest point of the buffer that is steered for. */
  readonly targetMs: number;
  /** How fast sound is played; 1 is as recorded. */
  readonly rate: number;
  /** Pictures decoded, shown, and left out because a newer one was due. */
  readonly framesDecoded: number;
  readonly framesShown: number;
  readonly framesDropped: number;
  /** Pictures shown per second of late. */
  readonly framesPerSecond: number;
  readonly width: number;
  readonly height: number;
  /** As FFmpeg spells them, or undefined where there is none. */
  readonly videoCodec: string | undefined;
  readonly audioCodec: string | undefined;
  /** `websocket`, with the subprotocol where one is spoken. */
  readonly transport: string;
  readonly kbitPerSecond: number;
  readonly roundTripMs: number | undefined;
  /** Messages that the relay left out because we were too slow. */
  readonly messagesDropped: number;
  /** Places where the stream was damaged, and what the decoders refused. */
  readonly damaged: number;
  /** Root mean square of the sound handed to the output, 0 … 1. */
  readonly soundLevel: number;
  readonly soundUnderruns: number;
  readonly soundSkippedMs: number;
  readonly reconnects: number;
  /** From the page's time origin to the first picture on the canvas; undefined before it. */
  readonly firstPictureMs: number | undefined;
}

/** One unit of timed data of a stream: a measurement, KLV, ID3. */
export interface TimedData {
  /** `perch_data` (a message that came over an agent's WebSocket), else as FFmpeg spells it: `klv`, `timed_id3`, … */
  readonly format: string;
  /** Of the elementary stream. */
  readonly pid: number;
  readonly bytes: Uint8Array;
  /** `perch_data` that is UTF-8, as text. */
  readonly text: string | undefined;
  /** When it was, on the stream's own timeline, in ms: only differences mean something. */
  readonly mediaMs: number;
  /** When its picture was given to the screen, on the clock of `performance.now()`. */
  readonly presentationTime: number;
}
