import type { Me } from '../account/me.ts';
import { Front } from '../entrance/front.tsx';
import { DeedButton, Trouble, useDeed } from '../frame/form.tsx';
import { clearAddress, navigate } from '../frame/navigate.ts';
import { forgetAnswers } from '../http/use-asked.ts';
import { hrefs } from '../route.ts';
import { openInvite } from './invite.ts';

/**
 * What somebody sees who was sent a link. It is opened by a tap, so that a program that looks at links does not spend
 * it, and so that the browser allows sound afterwards.
 */
export function InvitePage({
  secret,
  me,
  onOpened,
}: {
  secret: string;
  /** Who is signed in here already: opening the link puts the guest in their place. */
  me: Me | undefined;
  onOpened: () => Promise<void>;
}) {
  const { isBusy, problem, run } = useDeed();
  const isRefused = problem && ['signed-out', 'missing', 'refused', 'forbidden'].includes(problem.kind);
  const open = async () => {
    const answer = await run(() => openInvite(secret));
    if (!answer?.ok) return;
    forgetAnswers();
    clearAddress();
    await onOpened();
    const { topic, device } = answer.value;
    navigate(topic ? hrefs.watch(topic) : device ? hrefs.device(device) : hrefs.live);
  };
  if (isRefused) {
    return (
      <Front key="refused" title="This invite does not work any more">
        <p>It has expired, was ended, or was for one use and is used. Ask who sent it for a new one.</p>
        <a class="button" href={hrefs.live}>
          {me ? 'Go on to Perch' : 'Sign in'}
        </a>
      </Front>
    );
  }
  return (
    <Front title="You are invited">
      {me && !me.invite ? (
        <p>
          Somebody shares something live with you. You are signed in as <strong>{me.name}</strong>: opening
          the invite signs you out here, and makes this browser a guest’s.
        </p>
      ) : (
        <p>Somebody shares something live with you. Nothing to install, no account to make.</p>
      )}
      <Trouble problem={problem} />
      <DeedButton isBusy={isBusy} kind="primary" onClick={() => void open()}>
        Open it
      </DeedButton>
      {me && !me.invite && (
        <a class="button quiet" href={hrefs.live}>
          Stay signed in as {me.name}
        </a>
      )}
      <p class="hint">The household sees in its history who looked, and from when to when.</p>
    </Front>
  );
}
