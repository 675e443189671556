import { type AgentMessage, channelLimits, encodeChannel, type RequestId } from '@perch/protocol';

export type Result = Extract<AgentMessage, { type: 'result' }>;

/** What is known of a request: it is being done; or it was, with the result until the relay has it. */
type Entry =
  | { readonly kind: 'running' }
  | { readonly kind: 'answered'; readonly result: Result; readonly bytes: number }
  | { readonly kind: 'heard' };

/** What an agent remembers of the requests of one relay, so that none is done twice by mistake and no answer is lost. */
export class Answers {
  readonly #entries = new Map<RequestId, Entry>();
  /** Of requests up to this nothing may be known any more. */
  #forgotten: RequestId = 0;
  #running = 0;
  /** Of what was answered and is not heard. */
  #bytes = 0;
  #unheard = 0;

  /** Requests up to this may have gone to another one than us. */
  disown(foreign: RequestId): void {
    this.#forgotten = Math.max(this.#forgotten, foreign);
  }

  /** How many are being done. */
  get running(): number {
    return this.#running;
  }

  /** Nothing is being done, and the relay has every result. */
  get isSettled(): boolean {
    return this.#running === 0 && this.#unheard === 0;
  }

  find(id: RequestId): Entry | 'never-begun' | 'forgotten' {
    return this.#entries.get(id) ?? (id > this.#forgotten ? 'never-begun' : 'forgotten');
  }

  begin(id: RequestId): void {
    this.#entries.set(id, { kind: 'running' });
    this.#running++;
  }

  /** @returns the result as it is remembered: one that is too large to be sent is an error. */
  finish(given: Result): Result {
    const chars = encodeChannel(given).length;
    const isTooLarge = chars > MOST_CHARS;
    const result: Result = isTooLarge ? { type: 'result', id: given.id, error: TOO_LARGE } : given;
    const bytes = isTooLarge ? 0 : chars;
    this.#entries.set(result.id, { kind: 'answered', result, bytes });
    this.#running--;
    this.#unheard++;
    this.#bytes += bytes;
    this.#forget();
    return result;
  }

  /** The relay has the result. */
  heard(id: RequestId): void {
    const entry = this.#entries.get(id);
    if (entry?.kind !== 'answered') return;
    this.#entries.set(id, { kind: 'heard' });
    this.#unheard--;
    this.#bytes -= entry.bytes;
  }

  /** The oldest that are done go first. */
  #forget(): void {
    for (const [id, entry] of this.#entries) {
      const isTooMuch =
        this.#entries.size - this.#running > channelLimits.remembered ||
        this.#bytes > channelLimits.rememberedBytes;
      if (!isTooMuch) return;
      if (entry.kind === 'running') continue;
      this.heard(id);
      this.#entries.delete(id);
      this.#forgotten = Math.max(this.#forgotten, id);
    }
  }
}

/** Characters of a result that surely fit into a message, at up to three bytes each. */
const MOST_CHARS = Math.floor(channelLimits.messageBytes / 3);

const TOO_LARGE = {
  status: 507,
  code: 'too-large',
  message: 'the answer is larger than the control connection carries: ask the device itself',
};
