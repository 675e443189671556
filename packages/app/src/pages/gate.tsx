import { Header } from './header.tsx';

/** Nobody is signed in here. */
export function SignedOut() {
  return (
    <>
      <Header />
      <main class="words">
        <h2>This Perch is private</h2>
        <p>
          Open the sign-in link that <code>perch up</code> or <code>perch relay</code> printed when it was
          started. It works once, within 15 minutes.
        </p>
        <p>
          The link is used up? Start <code>perch up</code>, or <code>perch relay --sign_in</code>, again for a
          new one.
        </p>
      </main>
    </>
  );
}

/** The link was used before, or is too old. */
export function LinkRefused({ onGoOn }: { onGoOn: () => void }) {
  return (
    <>
      <Header />
      <main class="words">
        <h2>This link does not work any more</h2>
        <p>
          A sign-in link works once, within 15 minutes. Start <code>perch up</code> again for a new one.
        </p>
        <p>
          If this browser was signed in before,{' '}
          <a href="/" onClick={onGoOn}>
            go on
          </a>
          .
        </p>
      </main>
    </>
  );
}

/** The relay does not answer. */
export function Unreachable() {
  return (
    <>
      <Header />
      <main class="words">
        <h2>The relay does not answer</h2>
        <p>It may be starting again, or this device has no network. This page tries again by itself.</p>
        <p>
          <a href="/">Try now</a>
        </p>
      </main>
    </>
  );
}
