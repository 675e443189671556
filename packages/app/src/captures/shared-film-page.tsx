import { useEffect, useState } from 'preact/hooks';
import { type Me, may } from '../account/me.ts';
import { Front } from '../entrance/front.tsx';
import { DeedButton } from '../frame/form.tsx';
import { Icon } from '../frame/icon.tsx';
import { useTitle } from '../frame/page.tsx';
import type { Problem, ProblemKind } from '../http/problem.ts';
import { forgetAnswers, useAsked } from '../http/use-asked.ts';
import { hrefs } from '../route.ts';
import { showClock, showDate, showUntil } from '../words/time.ts';
import { decodeDetail, pathOf } from './capture.ts';
import { FilmScreen } from './film-screen.tsx';
import { type OpenedShare, openShare } from './share.ts';

/** After one of these the link opens nothing any more. */
const over: readonly ProblemKind[] = ['signed-out', 'forbidden', 'missing', 'refused'];

/**
 * One film, for whoever has a link to it: no account, nothing to install. Who is signed in here is asked first, as a
 * browser is one person's at a time.
 */
export function SharedFilmPage({
  secret,
  me,
  onOpened,
}: {
  secret: string;
  me: Me | undefined;
  onOpened: () => Promise<void>;
}) {
  const [opened, setOpened] = useState<OpenedShare>();
  const [problem, setProblem] = useState<Problem>();
  // Who may see all films stays who they are; anybody else would be signed out here.
  const isSomebodys = me !== undefined && !me.invite && !may(me, 'captures', '*');
  const open = async () => {
    const answer = await openShare(secret);
    if (!answer.ok) return setProblem(answer.problem);
    forgetAnswers();
    setOpened(answer.value);
    await onOpened();
  };
  useEffect(() => {
    if (!isSomebodys) void open();
  }, [secret]);
  if (problem)
    return <NotOpen problem={problem} isSomebodys={isSomebodys} onAgain={() => setProblem(undefined)} />;
  if (opened) return <OpenFilm share={opened} onOver={setProblem} />;
  if (!isSomebodys) return <p class="patience front">Opening …</p>;
  return (
    <Front title="A film is shared with you">
      <p>
        You are signed in as <strong>{me.name}</strong>: opening the link signs you out here, and makes this
        browser a guest’s.
      </p>
      <button type="button" class="primary" onClick={() => void open()}>
        Open it
      </button>
      <a class="button quiet" href={hrefs.live}>
        Stay signed in as {me.name}
      </a>
    </Front>
  );
}

function NotOpen({
  problem,
  isSomebodys,
  onAgain,
}: {
  problem: Problem;
  isSomebodys: boolean;
  onAgain: () => void;
}) {
  if (over.includes(problem.kind)) {
    return (
      <Front title="This link does not work any more">
        <p>It has expired, or was ended, or the film was deleted. Ask who sent it for a new one.</p>
        {isSomebodys && (
          <a class="button" href={hrefs.live}>
            Go on to Perch
          </a>
        )}
      </Front>
    );
  }
  return (
    <Front title="The film cannot be opened now">
      <p>{problem.words}</p>
      <DeedButton isBusy={false} kind="primary" onClick={onAgain}>
        Try again
      </DeedButton>
    </Front>
  );
}

/** So often is looked whether the link still holds, and while it arrives what came of the film. */
const PERIOD_MS = 1_000;

function OpenFilm({ share, onOver }: { share: OpenedShare; onOver: (problem: Problem) => void }) {
  const { value: film, problem } = useAsked(pathOf(share.capture), decodeDetail, PERIOD_MS);
  const isOver = problem && over.includes(problem.kind);
  useTitle('A film');
  useEffect(() => {
    if (isOver) onOver(problem);
  }, [isOver]);
  if (!film) return <p class="patience front">Opening …</p>;
  return (
    <div class="page roomy shared-film">
      <header class="page-head">
        <img src="/icon.svg" alt="" width="32" height="32" />
        <h1>
          {showDate(film.at)}, {showClock(film.at)}
        </h1>
      </header>
      <main>
        <FilmScreen film={film} alarms={[]} />
        <div class="film-deeds">
          <div class="buttons start">
            <a class="button" href={`${pathOf(film.id)}/video.mp4?download`} download="">
              <Icon name="download" /> Download
            </a>
          </div>
        </div>
        <p class="hint">
          Somebody shares this one film with you
          {share.expires !== undefined && `; the link ends ${showUntil(share.expires, Date.now())}`}. The
          household sees in its history who looked.
        </p>
      </main>
    </div>
  );
}
