import type { AccessUnit, CodecConfig } from '@perch/mpegts';
import type { Decoder, OpenDecoder } from './decoder.ts';
import { fits } from './fits.ts';

export interface TrackOptions<T> {
  readonly open: OpenDecoder<T>;
  /** Whether decoding can begin at any unit (sound) or only at a random access point (picture). */
  readonly beginsAnywhere: boolean;
  decoded(result: T): void;
  /** Nothing here decodes this stream. */
  refused(reason: string): void;
  /** Decoding broke off; it goes on at the next random access point. */
  broke(error: Error): void;
}

type State =
  | { readonly kind: 'beginning' }
  /** A decoder is being looked for; what arrives meanwhile waits. */
  | { readonly kind: 'opening'; readonly waiting: AccessUnit[] }
  | { readonly kind: 'open'; readonly decoder: Decoder }
  | { readonly kind: 'refused' }
  | { readonly kind: 'closed' };

/** A start group of 10 s at 60/s fits; finding a decoder takes far less. */
const MOST_WAITING = 1_000;
/** A decoder that fails so often without one result between is no decoder for this stream. */
const MOST_FAILURES = 3;

/**
 * One elementary stream on its way through a decoder, which it opens, and opens anew after a failure and where the stream
 * becomes another: a new size, a new profile.
 */
export class Track<T> {
  readonly #options: TrackOptions<T>;
  #state: State = { kind: 'beginning' };
  #failures = 0;
  /** What the decoder was opened for. */
  #config: CodecConfig | undefined;

  constructor(options: TrackOptions<T>) {
    this.#options = options;
  }

  /** Takes the next access unit. @returns whether it is, or will be, decoded. */
  feed(unit: AccessUnit): boolean {
    if (unit.randomAccess && !fits(this.#config, unit.config)) this.#becomesAnother();
    switch (this.#state.kind) {
      case 'open':
        this.#state.decoder.decode(unit);
        return true;
      case 'opening':
        if (this.#state.waiting.length < MOST_WAITING) this.#state.waiting.push(unit);
        return true;
      case 'beginning':
        if (!unit.randomAccess && !this.#options.beginsAnywhere) return false;
        this.#begin(unit);
        return true;
      default:
        return false;
    }
  }

  /** Forgets all that is under way and begins anew at the next random access point. */
  restart(): void {
    if (this.#state.kind === 'refused' || this.#state.kind === 'closed') return;
    if (this.#state.kind === 'open') this.#state.decoder.close();
    this.#state = { kind: 'beginning' };
  }

  close(): void {
    if (this.#state.kind === 'open') this.#state.decoder.close();
    this.#state = { kind: 'closed' };
  }

  /** What was refused before may be playable now. */
  #becomesAnother(): void {
    if (this.#state.kind === 'refused') this.#state = { kind: 'beginning' };
    this.#failures = 0;
    this.restart();
  }

  #begin(unit: AccessUnit): void {
    this.#config = unit.config;
    const opening: State = { kind: 'opening', waiting: [unit] };
    this.#state = opening;
    const output = {
      decoded: (result: T) => {
        this.#failures = 0;
        this.#options.decoded(result);
      },
      failed: (error: Error) => this.#failed(error),
    };
    const settled = this.#options.open(unit, output).then(
      (opened) => {
        if (this.#state !== opening) {
          // Restarted or closed while the decoder was being looked for.
          if (opened.kind === 'open') opened.decoder.close();
        } else if (opened.kind === 'refused') {
          this.#refuse(opened.reason);
        } else {
          this.#state = { kind: 'open', decoder: opened.decoder };
          for (const waiting of opening.waiting) opened.decoder.decode(waiting);
        }
      },
      (error: Error) => {
        if (this.#state === opening) this.#failed(error);
      },
    );
    void settled; // both outcomes end in a state
  }

  #failed(error: Error): void {
    this.#failures += 1;
    this.restart();
    if (this.#failures >= MOST_FAILURES) this.#refuse(`This stream can’t be decoded here: ${error.message}.`);
    else this.#options.broke(error);
  }

  #refuse(reason: string): void {
    this.#state = { kind: 'refused' };
    this.#options.refused(reason);
  }
}
