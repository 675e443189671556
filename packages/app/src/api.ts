/** One live topic, as `/api/v1/streams` tells it. */
export interface StreamInfo {
  readonly topic: string;
  readonly viewers: number;
  /** Bits per second, over the last second. */
  readonly bitrate: number;
  /** Nobody publishes just now. */
  readonly waiting: boolean;
}

/** What asking for the streams can come to. */
export type StreamsAnswer =
  | { readonly kind: 'streams'; readonly streams: readonly StreamInfo[] }
  | { readonly kind: 'signedOut' }
  | { readonly kind: 'unreachable' };

/** Asks the relay for the live topics. Never rejects. */
export async function fetchStreams(signal: AbortSignal): Promise<StreamsAnswer> {
  try {
    const answer = await fetch('/api/v1/streams', { signal, cache: 'no-store' });
    if (answer.status === 401) return { kind: 'signedOut' };
    if (!answer.ok) return { kind: 'unreachable' };
    return { kind: 'streams', streams: decodeStreams(await answer.json()) };
  } catch {
    return { kind: 'unreachable' }; // no network, or the relay is starting again: the next round tells
  }
}

/** Spends the secret of a sign-in link. Never rejects. */
export async function signIn(secret: string): Promise<'signedIn' | 'refused' | 'unreachable'> {
  try {
    const answer = await fetch('/api/v1/sign-in', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ secret }),
    });
    return answer.ok ? 'signedIn' : answer.status < 500 ? 'refused' : 'unreachable';
  } catch {
    return 'unreachable'; // the page says so and offers to try again
  }
}

export function decodeStreams(value: unknown): StreamInfo[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    const { topic, viewers, bitrate, waiting } = Object(entry) as Record<string, unknown>;
    if (typeof topic !== 'string') return [];
    return [
      { topic, viewers: Number(viewers) || 0, bitrate: Number(bitrate) || 0, waiting: waiting === true },
    ];
  });
}

/** `1.2 Mbit/s`, `850 kbit/s`. */
export function showBitrate(bitsPerSecond: number): string {
  if (bitsPerSecond >= 1e6) return `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
  return `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
}
