import { Analyzer, PACKET_BYTES, type Report } from '@perch/mpegts';
import { InspectError } from './errors.ts';
import { describeBytes } from './sniff.ts';

/** So much is read in search of a packet before it is said that there are none. In bytes. */
const SEARCH_BYTES = 1024 * 1024;
const BEGIN_BYTES = 64;

export interface InspectOptions {
  /** What the source is called in messages. Default `input`. */
  readonly name?: string;
  /** Called after each read, so that counters can be shown. Cheap calls only. */
  readonly onRead?: (analyzer: Analyzer) => void;
  /** Ends the reading early; what was found so far is reported. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a transport stream to its end, or until the signal, and says what is in it.
 *
 * @throws {InspectError} `inspect-not-mpegts` with what was seen instead; what the source throws passes through.
 */
export async function inspect(
  source: AsyncIterable<Uint8Array>,
  { name = 'input', onRead, signal }: InspectOptions = {},
): Promise<Report> {
  const analyzer = new Analyzer();
  let begin = new Uint8Array(0);
  let bytes = 0;
  try {
    for await (const read of until(source, signal)) {
      if (begin.length < BEGIN_BYTES) begin = Buffer.concat([begin, read.subarray(0, BEGIN_BYTES)]);
      bytes += read.length;
      analyzer.push(read);
      onRead?.(analyzer);
      if (bytes > SEARCH_BYTES && analyzer.packets === 0) break;
    }
  } catch (error) {
    // A source that was told to stop may say so by throwing.
    if (!signal?.aborted) throw error;
  }
  analyzer.flush();
  const report = analyzer.report();
  // Chance makes a few packets out of anything.
  const isChance = report.programs.length === 0 && report.packets * PACKET_BYTES < bytes / 2;
  if (report.packets === 0 || isChance) {
    const message =
      bytes === 0 && signal?.aborted
        ? `${name}: no byte came. Is something being sent?`
        : `${name} is not an MPEG transport stream: ${describeBytes(begin)}. ` +
          'To make one of a film: ffmpeg -i FILE -c copy -f mpegts FILE.mpegts';
    throw new InspectError('inspect-not-mpegts', message);
  }
  return report;
}

/** The same items, until the signal: also while the source is silent. Whoever opened the source ends it by the signal. */
async function* until<T>(source: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncIterable<T> {
  if (!signal) {
    yield* source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  let stopWaiting: () => void = () => undefined;
  const onAbort = () => stopWaiting();
  signal.addEventListener('abort', onAbort);
  let ended = false;
  try {
    while (!signal.aborted) {
      const next = await new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
        stopWaiting = () => resolve(undefined);
        iterator.next().then(resolve, reject);
      });
      ended = next?.done === true;
      if (!next || next.done) break;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // A source that waits for bytes would not return before they come.
    if (!ended && !signal.aborted) await iterator.return?.();
  }
}
