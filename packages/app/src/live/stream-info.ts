import { decodeList } from '../http/fields.ts';
import { type Asked, useAsked } from '../http/use-asked.ts';

/** One live topic, as `/api/v1/streams` tells it. */
export interface StreamInfo {
  readonly topic: string;
  readonly viewers: number;
  /** Bits per second, over the last second. */
  readonly bitrate: number;
  /** Nobody publishes just now. */
  readonly waiting: boolean;
}

const PERIOD_MS = 2_000;

/** The live topics that the caller may read, asked for again every two seconds while the page is seen. */
export const useStreams = (): Asked<StreamInfo[]> => useAsked('/api/v1/streams', decodeStreams, PERIOD_MS);

/** In the order of their names. */
export function decodeStreams(value: unknown): StreamInfo[] {
  const streams = decodeList(value, (fields) => {
    const topic = fields.maybeText('topic');
    if (topic === undefined) return undefined;
    return {
      topic,
      viewers: fields.number('viewers'),
      bitrate: fields.number('bitrate'),
      waiting: fields.flag('waiting'),
    };
  });
  return streams.sort((a, b) => a.topic.localeCompare(b.topic));
}

/** A topic for people: its device by name, and the rest. @param names of devices, by id. */
export function topicWords(
  topic: string,
  names: ReadonlyMap<string, string>,
): { readonly where: string; readonly what: string } {
  const at = topic.indexOf('/');
  const device = names.get(topic.slice(0, Math.max(0, at)));
  if (device !== undefined) return { where: `${device} / `, what: topic.slice(at + 1) };
  const end = topic.lastIndexOf('/') + 1;
  return { where: topic.slice(0, end), what: topic.slice(end) };
}
