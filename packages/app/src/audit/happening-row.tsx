import { backgroundOf } from './background.ts';
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
