import { type Millis, millis } from '@perch/runtime';

/** How many samples are compared; the quickest one is the most exact. */
const SAMPLES = 8;

/** Learns how far the relay's wall clock is ahead of ours, from ping and pong. */
export class WallOffset {
  #samples: { readonly roundTrip: number; readonly offset: number }[] = [];

  /** A pong came: `sentAt` and `receivedAt` by our wall clock, `theirs` by the relay's. */
  learn(sentAt: number, receivedAt: number, theirs: number): void {
    const roundTrip = receivedAt - sentAt;
    if (roundTrip < 0) return; // our clock was set back in between
    this.#samples.push({ roundTrip, offset: theirs - (sentAt + receivedAt) / 2 });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  /** Relay's clock less ours, by the quickest sample; undefined before the first. */
  get offset(): Millis | undefined {
    const best = this.#best;
    return best && millis(best.offset);
  }

  /** The shortest round trip of late. */
  get roundTrip(): Millis | undefined {
    const best = this.#best;
    return best && millis(best.roundTrip);
  }

  get #best() {
    return this.#samples.reduce<{ roundTrip: number; offset: number } | undefined>(
      (best, sample) => (best && best.roundTrip <= sample.roundTrip ? best : sample),
      undefined,
    );
  }
}
