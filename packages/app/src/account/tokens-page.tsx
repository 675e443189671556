import { useState } from 'preact/hooks';
import { Asking } from '../frame/asking.tsx';
import { Confirm } from '../frame/confirm.tsx';
import { Icon } from '../frame/icon.tsx';
import { Page } from '../frame/page.tsx';
import { say } from '../frame/toast.tsx';
import { useAsked } from '../http/use-asked.ts';
import { listWords } from '../people/permission-words.ts';
import { hrefs } from '../route.ts';
import { showAgo, showUntil } from '../words/time.ts';
import { useNow } from '../words/use-now.ts';
import { decodeTokens, endToken, type Token } from './session.ts';
import { scopeWords, TokenDialog } from './token-dialog.tsx';

/** The tokens by which programs read and send. */
export function TokensPage() {
  const asked = useAsked('/api/v1/tokens', decodeTokens);
  const [isMaking, setMaking] = useState(false);
  const [ending, setEnding] = useState<Token>();
  const tokens = asked.value;
  const make = (
    <button type="button" class="primary" onClick={() => setMaking(true)}>
      <Icon name="plus" /> Make a token
    </button>
  );
  return (
    <Page
      title="Tokens"
      back={{ href: hrefs.account, label: 'You' }}
      actions={tokens && tokens.length > 0 && make}
    >
      <Asking asked={asked} />
      {tokens?.length === 0 && (
        <div class="empty">
          <h2>No tokens</h2>
          <p>A token lets a program read or send without a person: a script, a recorder, another relay.</p>
          {make}
        </div>
      )}
      {tokens && tokens.length > 0 && (
        <ul class="rows">
          {tokens.map((token) => (
            <li key={token.id}>
              <TokenRow token={token} onEnd={() => setEnding(token)} />
            </li>
          ))}
        </ul>
      )}
      {isMaking && <TokenDialog onMade={asked.reload} onClose={() => setMaking(false)} />}
      {ending && (
        <Confirm
          title={`End the token ${ending.id}?`}
          words="The programs that use it are cut off within a second."
          button="End it"
          deed={() => endToken(ending.id)}
          onDone={() => {
            say(`The token ${ending.id} is ended.`);
            void asked.reload().then(() => setEnding(undefined));
          }}
          onClose={() => setEnding(undefined)}
        />
      )}
    </Page>
  );
}

function TokenRow({ token, onEnd }: { token: Token; onEnd: () => void }) {
  const now = useNow();
  return (
    <div class="row">
      <span class="row-icon">
        <Icon name="key" />
      </span>
      <span class="row-text">
        <strong>
          <code>{token.topic}</code>
        </strong>
        <small>May {listWords(token.scope.map(scopeWords))}</small>
        <small>
          {token.lastUsed === undefined ? 'Not used yet' : `Used ${showAgo(token.lastUsed, now)}`}
          {token.expires !== undefined && ` · ends ${showUntil(token.expires, now)}`} · {token.id}
        </small>
      </span>
      <button
        type="button"
        class="quiet small danger"
        aria-label={`End the token ${token.id}`}
        onClick={onEnd}
      >
        End
      </button>
    </div>
  );
}
