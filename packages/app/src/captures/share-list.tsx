import { useState } from 'preact/hooks';
import { Confirm } from '../frame/confirm.tsx';
import { Icon } from '../frame/icon.tsx';
import { say } from '../frame/toast.tsx';
import { useAsked } from '../http/use-asked.ts';
import { showAgo, showUntil } from '../words/time.ts';
import { useNow } from '../words/use-now.ts';
import { decodeShares, endShare, type FilmShare, sharesOf } from './share.ts';

const PERIOD_MS = 5_000;

/** The links to a film that still work. */
export function ShareList({ film }: { film: string }) {
  const asked = useAsked(sharesOf(film), decodeShares, PERIOD_MS);
  const now = useNow();
  const [ending, setEnding] = useState<FilmShare>();
  if (!asked.value?.length) return null;
  return (
    <section aria-labelledby="shares">
      <h2 id="shares">Shared by link</h2>
      <ul class="rows">
        {asked.value.map((share) => (
          <li key={share.id} class="row">
            <span class="row-icon">
              <Icon name="link" />
            </span>
            <span class="row-text">
              <strong>{share.for || 'Anybody with the link'}</strong>
              <small>
                {share.expires !== undefined && `Ends ${showUntil(share.expires, now)}`}
                {share.lastOpened !== undefined && ` · opened ${showAgo(share.lastOpened, now)}`}
              </small>
            </span>
            <button
              type="button"
              class="quiet small danger"
              aria-label={share.for ? `End the link for ${share.for}` : 'End the link'}
              onClick={() => setEnding(share)}
            >
              End
            </button>
          </li>
        ))}
      </ul>
      {ending && (
        <Confirm
          title={ending.for ? `End the link for ${ending.for}?` : 'End this link?'}
          words="It opens nothing any more, and whoever watches by it stops."
          button="End it"
          deed={() => endShare(ending.id)}
          onDone={() => {
            say('The link is ended.');
            void asked.reload().then(() => setEnding(undefined));
          }}
          onClose={() => setEnding(undefined)}
        />
      )}
    </section>
  );
}
