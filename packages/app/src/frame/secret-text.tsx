import { Icon } from './icon.tsx';
import { say } from './toast.tsx';

/** A link, code or command to take along: shown whole, copied by a tap, and shared where the device can. */
export function SecretText({ text, what, isLink = false }: { text: string; what: string; isLink?: boolean }) {
  const canShare = isLink && typeof navigator.share === 'function';
  return (
    <div class="secret">
      <code>{text}</code>
      <div class="buttons">
        {canShare && (
          <button type="button" class="quiet" onClick={() => void share(text)}>
            <Icon name="share" /> Share
          </button>
        )}
        <button type="button" class="primary" onClick={() => void copy(text, what)}>
          <Icon name="copy" /> Copy {what}
        </button>
      </div>
    </div>
  );
}

async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied. Paste the ${what} where it is needed.`);
  } catch {
    say(`This browser does not let the app copy: mark the ${what} and copy it yourself.`);
  }
}

async function share(url: string): Promise<void> {
  try {
    await navigator.share({ url });
  } catch {
    // The person closed the sheet: nothing was shared, and the link is still here.
  }
}
