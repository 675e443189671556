import { useState } from 'preact/hooks';
import { hasNoKey, type Me } from '../account/me.ts';
import { hrefs } from '../route.ts';

let isPutOff = false;

/** Reminds whoever came by a link that they need a way to come back. "Later" is good until the app is opened again. */
export function WayBackNote({ me }: { me: Me }) {
  const [isShown, setShown] = useState(!isPutOff && hasNoKey(me));
  if (!isShown) return null;
  return (
    <aside class="note way-back" aria-label="A way back in">
      <p>
        <strong>Welcome, {me.name}.</strong> Your link worked once. Choose a name and a passkey, so that you
        can come back without one.
      </p>
      <div class="buttons">
        <button
          type="button"
          class="quiet"
          onClick={() => {
            isPutOff = true;
            setShown(false);
          }}
        >
          Later
        </button>
        <a class="button primary" href={hrefs.welcome}>
          Do it now
        </a>
      </div>
    </aside>
  );
}
