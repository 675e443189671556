/** What a stretch of bytes held. */
export type Parsed =
  | { readonly kind: 'object'; readonly value: Readonly<Record<string, unknown>> }
  /** Something that is no JSON object; it is passed over. `why`: in words. */
  | { readonly kind: 'damage'; readonly why: string };

const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The four bytes that JSON takes for white space (RFC 8259 2). */
export const isWhiteSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Takes JSON objects out of a stream of bytes: back to back or with white space between, cut anywhere (COMPAT 4.2).
 *
 * It looks for the outer braces only, and leaves what is between to `JSON.parse`. So a damaged object ends where its
 * braces do, and the next one is found. An object keeps at most `mostBytes`; a longer one is passed over.
 */
export class ObjectStream {
  readonly #mostBytes: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #inRubbish = false;

  constructor(options: { readonly mostBytes: number }) {
    this.#mostBytes = options.mostBytes;
  }

  /** The objects that `chunk` completes. It is copied where needed; the caller may reuse it. */
  push(chunk: Uint8Array): Parsed[] {
    const found: Parsed[] = [];
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (this.#depth === 0) {
        if (byte === OPEN) {
          this.#depth = 1;
          this.#inRubbish = false;
          start = i;
        } else if (!isWhiteSpace(byte)) this.#rubbish(found);
      } else if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
      } else if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN) this.#depth++;
      else if (byte === CLOSE && --this.#depth === 0) {
        this.#keep(chunk.subarray(start, i + 1));
        found.push(this.#finish());
      }
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(start).slice());
    return found;
  }

  /** The stream is over: what began and did not end is damage. */
  end(): Parsed[] {
    if (this.#depth === 0) return [];
    return [{ kind: 'damage', why: `the stream ended within an object, after ${this.#bytes} bytes of it` }];
  }

  /** One word for a whole stretch of it. */
  #rubbish(found: Parsed[]): void {
    if (!this.#inRubbish) found.push({ kind: 'damage', why: 'there is something between the objects' });
    this.#inRubbish = true;
  }

  #keep(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes <= this.#mostBytes) this.#parts.push(part);
    else this.#parts = [];
  }

  #finish(): Parsed {
    const bytes = this.#bytes;
    const text = Buffer.concat(this.#parts).toString('utf8');
    this.#parts = [];
    this.#bytes = 0;
    if (bytes > this.#mostBytes) {
      return {
        kind: 'damage',
        why: `an object of ${bytes} bytes; at most ${this.#mostBytes} are taken`,
      };
    }
    try {
      // It begins with a brace, so it is an object or nothing.
      return { kind: 'object', value: JSON.parse(text) as Record<string, unknown> };
    } catch (error) {
      return { kind: 'damage', why: `no JSON: ${(error as Error).message}` };
    }
  }
}
