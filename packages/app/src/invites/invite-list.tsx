import { useState } from 'preact/hooks';
import { useDeviceNames } from '../devices/device.ts';
import { Confirm } from '../frame/confirm.tsx';
import { Icon } from '../frame/icon.tsx';
import { say } from '../frame/toast.tsx';
import { useAsked } from '../http/use-asked.ts';
import { topicWords } from '../live/stream-info.ts';
import { allowedWords } from '../people/permission-words.ts';
import { showAgo, showUntil } from '../words/time.ts';
import { useNow } from '../words/use-now.ts';
import { decodeInvites, endInvite, type Invite } from './invite.ts';
import { InviteDialog } from './invite-dialog.tsx';

const PERIOD_MS = 15_000;

/** The links that were given away and still open something. */
export function InviteList() {
  const asked = useAsked('/api/v1/invites', decodeInvites, PERIOD_MS);
  const names = useDeviceNames(true);
  const now = useNow();
  const [ending, setEnding] = useState<Invite>();
  const [isMaking, setMaking] = useState(false);
  const invites = asked.value;
  return (
    <section aria-labelledby="invites">
      <div class="section-head">
        <h2 id="invites">Shared links</h2>
        <button type="button" onClick={() => setMaking(true)}>
          <Icon name="link" /> Share
        </button>
      </div>
      {invites?.length === 0 && (
        <p class="hint">
          None. A shared link lets somebody see one stream or device for a while, without an account.
        </p>
      )}
      {invites && invites.length > 0 && (
        <ul class="rows">
          {invites.map((invite) => (
            <li key={invite.id} class="row">
              <span class="row-icon">
                <Icon name="link" />
              </span>
              <span class="row-text">
                <strong>{invite.for || 'Somebody'}</strong>
                <small>
                  {invite.capture === undefined
                    ? `May ${allowedWords(invite.permissions)}: ${whatOf(invite, names)}`
                    : `May see one film of ${whatOf(invite, names)}`}
                </small>
                <small>
                  {invite.expires === undefined
                    ? 'Does not expire'
                    : `Ends ${showUntil(invite.expires, now)}`}
                  {invite.once && ', opens once'}
                  {invite.lastOpened !== undefined && ` · opened ${showAgo(invite.lastOpened, now)}`}
                </small>
              </span>
              <button
                type="button"
                class="quiet small danger"
                aria-label={`End the link for ${invite.for}`}
                onClick={() => setEnding(invite)}
              >
                End
              </button>
            </li>
          ))}
        </ul>
      )}
      {isMaking && <InviteDialog onClose={() => void asked.reload().then(() => setMaking(false))} />}
      {ending && (
        <Confirm
          title={`End the link for ${ending.for}?`}
          words="Whoever watches by it stops seeing and hearing within a second, and the link opens nothing any more."
          button="End it"
          deed={() => endInvite(ending.id)}
          onDone={() => {
            say(`The link for ${ending.for} is ended.`);
            void asked.reload().then(() => setEnding(undefined));
          }}
          onClose={() => setEnding(undefined)}
        />
      )}
    </section>
  );
}

/** What an invite is to: a stream, perhaps of a device, or a whole device. */
function whatOf({ device, topic }: Invite, names: ReadonlyMap<string, string>): string {
  if (topic === undefined) return names.get(device ?? '') ?? device ?? '';
  const { where, what } = topicWords(topic, names);
  return where + what;
}
