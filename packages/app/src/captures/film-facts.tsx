import { count, showClock, showDate, showSpan } from '../words/time.ts';
import { type CaptureDetail, pathOf } from './capture.ts';
import { progressOf, progressWords, showBytes } from './capture-words.ts';

/** What is known of a film, and what of it is missing. */
export function FilmFacts({ film }: { film: CaptureDetail }) {
  const { at, cause, seconds, bytes, lost, missing } = film;
  const progress = progressOf(film, Date.now());
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">About this film</h2>
      {progress !== 'here' && (
        <p class="waiting" role="status">
          It is {progressWords[progress]}. This page shows what comes.
        </p>
      )}
      <dl class="facts-list">
        <dt>Filmed</dt>
        <dd>
          {showDate(at)}, {showClock(at)}
        </dd>
        <dt>Because</dt>
        <dd>{cause === 'motion' ? 'something moved' : 'somebody asked for it'}</dd>
        {seconds > 0 && (
          <>
            <dt>Length</dt>
            <dd>{showSpan(seconds * 1_000)}</dd>
          </>
        )}
        {film.alarms > 0 && (
          <>
            <dt>Alarms</dt>
            <dd>{film.alarms}</dd>
          </>
        )}
        <dt>Size</dt>
        <dd>{showBytes(bytes)}</dd>
      </dl>
      {film.parts > 0 && (
        <p class="hint">
          The camera made {film.parts === 1 ? 'one file' : `${film.parts} files`} of it:{' '}
          <a href={`${pathOf(film.id)}/export.zip`} download="">
            download {film.parts === 1 ? 'it as it is' : 'them as they are'}
          </a>
          .
        </p>
      )}
      {missing.length > 0 && (
        <details class="missing">
          <summary>
            {lost > 0
              ? `${count(lost, 'part')} of it will not come`
              : `${count(missing.length, 'part')} cannot be played`}
          </summary>
          <ul>
            {missing.map(({ number, reason }) => (
              <li key={number}>
                Part {number + 1}: {reason || 'it did not come'}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
