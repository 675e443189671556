import { showProgram } from '../words/program.ts';
import type { Happening } from './entry.ts';
import { type Known, sentenceOf } from './sentences.ts';

/** One thing that happened, as a sentence, and from where. */
export function HappeningRow({ happening, known }: { happening: Happening; known: Known }) {
  const { who, did, what, rest } = sentenceOf(happening, known);
  const { outcome, state } = happening;
  return (
    <li class="row">
      <span class={`dot ${outcome === 'refused' ? 'bad' : state === 'goes-on' ? 'live' : 'past'}`} />
      <span class="row-text">
        <span class="sentence">
          <strong>{who}</strong> {did} {what && <strong>{what} </strong>}
          {rest}
        </span>
        <small>{backgroundOf(happening).join(' · ')}</small>
      </span>
    </li>
  );
}

/** From where, with which program, and what else the relay wrote down. */
function backgroundOf({ who, from, detail }: Happening): string[] {
  return [
    ...(who.kind === 'invite' ? ['by a shared link'] : []),
    ...(who.kind === 'open' ? ['open to everybody'] : []),
    from === 'here' ? 'on the relay itself' : from,
    ...detailWords(detail ?? ''),
  ];
}

/** What a browser says of itself becomes its name; ids of sessions are for programs. */
const detailWords = (detail: string): string[] =>
  detail
    .split(/; (?![^(]*\))/)
    .filter((part) => part !== '' && !/^session [0-9a-f]+$/.test(part))
    .map((part) => (part.startsWith('Mozilla/') ? showProgram(part) : part));
