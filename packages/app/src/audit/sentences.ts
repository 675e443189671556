import { topicWords } from '../live/stream-info.ts';
import { showMachine } from '../words/program.ts';
import { showClock, showDate } from '../words/time.ts';
import type { Happening } from './entry.ts';
import { plainVerb, verbs } from './verbs.ts';

/** A sentence in pieces: what stands out, and what is between. */
export interface Sentence {
  readonly who: string;
  readonly did: string;
  /** Which topic or device. */
  readonly what: string;
  readonly rest: string;
}

export interface Known {
  /** Who reads: they are "You". */
  readonly me: string;
  /** Names of devices, by id. */
  readonly devices: ReadonlyMap<string, string>;
}

/** `Anna saw kitchen-x7k2/camera from 14:02 to 14:10, phone`, in pieces. */
export function sentenceOf(happening: Happening, known: Known): Sentence {
  const { who, what, outcome, state, times } = happening;
  const words = verbs[what] ?? plainVerb(what);
  const did = outcome === 'refused' ? words.refused : state === 'goes-on' ? words.doing : words.did;
  const machine = who.kind === 'device' ? '' : showMachine(happening.detail ?? '');
  const rest = [
    timeWords(happening),
    ...(times > 1 ? [`, ${times} times`] : []),
    ...(machine ? [`, ${machine}`] : []),
  ];
  return { who: whoWords(happening, known), did, what: thingWords(happening, known), rest: rest.join('') };
}

/** A sentence as one text. */
export const textOf = ({ who, did, what, rest }: Sentence): string =>
  [who, did, what, rest]
    .filter((piece) => piece !== '')
    .join(' ')
    .replaceAll(' ,', ',');

/** What the relay does by itself. */
const relaysOwn: readonly string[] = ['relay-run', 'certificate-change'];

function whoWords({ who, what }: Happening, { me, devices }: Known): string {
  const { kind, id, name } = who;
  if (id !== undefined && id === me) return 'You';
  switch (kind) {
    case 'user':
    case 'invite':
      return name ?? 'Somebody';
    case 'device':
      return devices.get(id ?? '') ?? name ?? id ?? 'A device';
    case 'token':
      return name ?? (id === undefined ? 'A program' : `The program with token ${id}`);
    case 'session':
      return 'A signed-in browser';
    case 'host':
      return relaysOwn.includes(what) ? 'The relay' : 'Whoever runs the relay';
    case 'open':
      return 'Somebody';
    case 'crossbar':
    case 'booking':
      return `Somebody with a ${kind} token`;
    default:
      return 'Somebody unknown';
  }
}

function thingWords(happening: Happening, { devices }: Known): string {
  const { who, topic, device } = happening;
  if (topic === undefined && who.kind === 'device' && who.id === device) return '';
  // A glob is no topic of one device.
  if (topic?.includes('*')) return topic;
  if (topic !== undefined) {
    const { where, what } = topicWords(topic, devices);
    return where + what;
  }
  if (happening.what === 'statistics' && device === undefined) return 'the relay';
  return device === undefined ? '' : (devices.get(device) ?? device);
}

/** `from 14:02 to 14:10`, `at 14:02`, `since 14:02`: of the day on which it ended, which stands above the sentence. */
function timeWords({ at, until, state, times }: Happening): string {
  const isOfDay = until === undefined || new Date(at).toDateString() === new Date(until).toDateString();
  const start = isOfDay ? showClock(at) : `${showDate(at)}, ${showClock(at)}`;
  if (state === 'goes-on') return `since ${start}`;
  if (state === 'cut-off') return `from ${start} until the relay stopped`;
  if (until === undefined) return `at ${start}`;
  const end = showClock(until);
  return start === end && times === 1 ? `at ${start}` : `from ${start} to ${end}`;
}
