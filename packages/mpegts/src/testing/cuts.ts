import { Random } from './random.ts';

/** Some ways to cut the same bytes: whole, byte by byte, and at random places. */
export function cutsOf(bytes: Uint8Array, seed = 1): Map<string, Uint8Array[]> {
  const cuts = new Map<string, Uint8Array[]>([
    ['whole', [bytes]],
    ['byte by byte', Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))],
  ]);
  for (const most of [5, 300, 5000]) {
    const random = new Random(seed + most);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(most);
      parts.push(bytes.subarray(at, at + size));
      at += size;
    }
    cuts.set(`in pieces of up to ${most}`, parts);
  }
  return cuts;
}

/**
 * Runs a parser over each way to cut `bytes` and lets `equal` compare every result with that of the whole. Each piece is
 * handed over in a buffer that is overwritten afterwards, so that a parser which keeps a view is caught.
 */
export function sameForAllCuts<T>(
  bytes: Uint8Array,
  run: (pieces: Iterable<Uint8Array>) => T,
  equal: (actual: T, expected: T, message: string) => void,
): T {
  let first: { result: T } | undefined;
  for (const [name, pieces] of cutsOf(bytes)) {
    const result = run(perishable(pieces));
    if (first) equal(result, first.result, `cut ${name}`);
    else first = { result };
  }
  return (first as { result: T }).result;
}

function* perishable(pieces: readonly Uint8Array[]): Iterable<Uint8Array> {
  for (const piece of pieces) {
    const copy = piece.slice();
    yield copy;
    copy.fill(0xa5);
  }
}
