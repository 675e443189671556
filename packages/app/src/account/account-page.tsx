import { signOut } from '../entrance/sign-in.ts';
import { DeedButton, Trouble, useDeed } from '../frame/form.tsx';
import { Icon } from '../frame/icon.tsx';
import { clearAddress } from '../frame/navigate.ts';
import { Page } from '../frame/page.tsx';
import { allowedWords, roleWords } from '../people/permission-words.ts';
import { PushSection } from '../push/push-section.tsx';
import { hrefs } from '../route.ts';
import { hasNoKey, type Me, mayLookAround } from './me.ts';
import { NameForm } from './name-form.tsx';
import { Passkeys } from './passkeys.tsx';
import { PasswordSection } from './password-section.tsx';
import { SessionList } from './session-list.tsx';
import { useMe } from './use-me.ts';

/** Who I am here, how I come in, and which browsers are me. */
export function AccountPage() {
  const { me, refresh } = useMe();
  const { isBusy, problem, run } = useDeed();
  const leave = async () => {
    const answer = await run(signOut);
    if (!answer?.ok) return;
    clearAddress();
    await refresh();
  };
  return (
    <Page title="You">
      {me.invite ? <Guest me={me} /> : <Person me={me} refresh={refresh} />}
      <section aria-label="Sign out">
        <Trouble problem={problem} />
        <div class="buttons start">
          <DeedButton isBusy={isBusy} onClick={() => void leave()}>
            {me.invite ? 'Leave' : 'Sign out here'}
          </DeedButton>
        </div>
      </section>
    </Page>
  );
}

function Person({ me, refresh }: { me: Me; refresh: () => Promise<void> }) {
  return (
    <>
      {hasNoKey(me) && (
        <p class="note">
          This browser is your only way in. Add a passkey or set a password, so that you can come back without
          a new link.
        </p>
      )}
      <section aria-labelledby="who">
        <h2 id="who" class="heard-only">
          Who you are
        </h2>
        <NameForm me={me} refresh={refresh} />
        <p class="hint">
          {roleWords[me.role].label} of {me.household.name || 'this household'}. {roleWords[me.role].hint}.
        </p>
      </section>
      <PushSection me={me} />
      <Passkeys passkeys={me.passkeys} refresh={refresh} />
      <PasswordSection me={me} refresh={refresh} />
      <SessionList />
      {mayLookAround(me) && (
        <ul class="rows">
          <li>
            <a class="row" href={hrefs.tokens}>
              <span class="row-icon">
                <Icon name="key" />
              </span>
              <span class="row-text">
                <strong>Tokens for programs</strong>
                <small>What scripts and other software may read and send</small>
              </span>
              <Icon name="forward" />
            </a>
          </li>
        </ul>
      )}
    </>
  );
}

function Guest({ me }: { me: Me }) {
  return (
    <p>
      You are here as <strong>{me.invite?.for || me.name}</strong>, by a link that somebody shared with you.
      You may {allowedWords(me.invite?.permissions ?? [])}.
    </p>
  );
}
