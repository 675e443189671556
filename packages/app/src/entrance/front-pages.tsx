import { Front } from './front.tsx';

/** The sign-in link was used before, or is too old. */
export function LinkRefused({ words, onGoOn }: { words: string; onGoOn: () => void }) {
  return (
    <Front title="This link does not work any more">
      <p>{words}</p>
      <p>
        Whoever gave it to you can make a new one: an owner under <em>People</em>, whoever runs the relay with{' '}
        <code>perch relay --sign_in</code> or <code>perch up</code>.
      </p>
      <button type="button" class="primary" onClick={onGoOn}>
        Sign in another way
      </button>
    </Front>
  );
}

/** The relay does not answer. */
export function Unreachable() {
  return (
    <Front title="The relay does not answer">
      <p>It may be starting again, or this device has no network. This page tries again by itself.</p>
      <TryAgain />
    </Front>
  );
}

/** The sign-in link could not be tried. It stays in the address, and is as good as before. */
export function NotNow({ words }: { words: string }) {
  return (
    <Front title="Not just now">
      <p>{words} Your link is not used up.</p>
      <TryAgain />
    </Front>
  );
}

const TryAgain = () => (
  <button type="button" onClick={() => location.reload()}>
    Try now
  </button>
);
