/** What a message is, as far as a queue needs to know. Made by whoever publishes; the hub never looks at bytes. */
export interface HubMark {
  /** A taker that left something out may go on here. */
  readonly randomAccess: boolean;
  /** Video is left out first, sound last. */
  readonly class: 'video' | 'audio' | 'data';
  /** When it was captured, or arrived at the device: microseconds since 1970-01-01 UTC. */
  readonly capturedAt?: number;
  /** It is from before: whoever begins needs it, nobody is to be shown it late. */
  readonly replay?: boolean;
}

/**
 * One message as it is published. The hub keeps a reference to `bytes` until the slowest taker is done with it:
 * whoever publishes gives the bytes away and never writes to them again.
 */
export interface HubMessage {
  readonly bytes: Uint8Array;
  /** It came as text (UTF-8) and leaves as text. */
  readonly text: boolean;
  readonly mark: HubMark;
}

/** A message as its topic hands it on. */
export interface TopicMessage extends HubMessage {
  /** Counts the topic's messages, modulo 2^32. */
  readonly sequence: number;
  /** Who published it; that taker does not hear it. */
  readonly from: unknown;
}
