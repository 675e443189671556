import { concat } from '../bytes.ts';
import { Combiner, type CombinerOptions } from '../combine/combiner.ts';
import { TimedFeed } from '../combine/timed-feed.ts';
import type { MessageMark } from '../message-cutter.ts';
import { type Demuxed, demux } from './demux.ts';
import { TestEncoder, type TestEncoderOptions } from './encoder.ts';

interface Source {
  readonly feed: TimedFeed;
  encoder: TestEncoder;
  nextMs: number;
  /** A unit comes so long after it was taken. */
  lateMs: number;
  /** What a push brings of a unit, changed or left out. */
  spoil: (packets: Uint8Array) => Uint8Array;
}

export interface Message {
  readonly bytes: Uint8Array;
  readonly mark: MessageMark;
  readonly atMs: number;
}

/** A combiner with encoders in front of it and a clock that the test moves. */
export class Rig {
  nowMs: number;
  readonly messages: Message[] = [];
  readonly combiner: Combiner;
  readonly #sources: Source[] = [];
  #nextTick: number;

  /** `beginMs`: what the agent's clock says at the begin. */
  constructor(options: Omit<CombinerOptions, 'onMessage'> & { beginMs?: number } = {}) {
    this.nowMs = options.beginMs ?? 10_000;
    this.#nextTick = this.nowMs;
    this.combiner = new Combiner({
      ...options,
      onMessage: (bytes, mark) => this.messages.push({ bytes, mark, atMs: this.nowMs }),
    });
  }

  /** A feed that sends from now on; not yet in the stream. */
  feed(name: string, options: TestEncoderOptions, lateMs = 0): Source {
    const source: Source = {
      feed: new TimedFeed({ name }),
      encoder: new TestEncoder(options),
      nextMs: this.nowMs,
      lateMs,
      spoil: (packets) => packets,
    };
    this.#sources.push(source);
    return source;
  }

  /** The feeds of the stream from now on. */
  set(sources: readonly { feed: TimedFeed }[], options?: { keepUntilReady?: boolean }): void {
    this.combiner.setFeeds(
      sources.map(({ feed }) => feed),
      this.nowMs,
      options,
    );
  }

  /** Time passes: units come, and every 20 ms there is a tick. What is due at the end comes with the next run. */
  run(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      let next = this.#nextTick;
      let due: Source | undefined;
      for (const source of this.#sources) {
        const at = source.nextMs + source.lateMs;
        if (at >= next) continue;
        next = at;
        due = source;
      }
      if (next >= end) break;
      this.nowMs = next;
      if (due) this.#push(due);
      else {
        this.combiner.tick(next);
        this.#nextTick += 20;
      }
    }
    this.nowMs = end;
  }

  /** Everything that came out, in one. */
  get bytes(): Uint8Array {
    return concat(...this.messages.map(({ bytes }) => bytes));
  }

  /** The same, demultiplexed. */
  get out(): Demuxed {
    return demux([this.bytes]);
  }

  #push(source: Source): void {
    const packets = source.spoil(source.encoder.unit());
    source.nextMs += source.encoder.step / 90;
    if (packets.length > 0) source.feed.push(packets, this.nowMs);
  }
}
