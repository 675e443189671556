import { useEffect, useMemo, useState } from 'preact/hooks';
import { AccountPage } from './account/account-page.tsx';
import { type Me, mayAnywhere, mayLookAround } from './account/me.ts';
import { TokensPage } from './account/tokens-page.tsx';
import { type Identity, MeContext, useIdentity } from './account/use-me.ts';
import { AuditPage } from './audit/audit-page.tsx';
import { CapturesPage } from './captures/captures-page.tsx';
import { FilmPage } from './captures/film-page.tsx';
import { SharedFilmPage } from './captures/shared-film-page.tsx';
import { DevicePage } from './devices/device-page.tsx';
import { DevicesPage } from './devices/devices-page.tsx';
import { LinkRefused, NotNow, Unreachable } from './entrance/front-pages.tsx';
import { signInByLink } from './entrance/sign-in.ts';
import { SignInPage } from './entrance/sign-in-page.tsx';
import { WelcomePage } from './entrance/welcome-page.tsx';
import { clearAddress, navigate } from './frame/navigate.ts';
import { Shell } from './frame/shell.tsx';
import { Toasts } from './frame/toast.tsx';
import type { ProblemKind } from './http/problem.ts';
import { InvitePage } from './invites/invite-page.tsx';
import { LivePage } from './live/live-page.tsx';
import { OpenLive } from './live/open-live.tsx';
import { WatchPage } from './live/watch.tsx';
import { PeoplePage } from './people/people-page.tsx';
import { PersonPage } from './people/person-page.tsx';
import { stayTold } from './push/subscription.ts';
import { hrefs, parseRoute, type Route } from './route.ts';

/** The app: who is here, then the page that the address asks for. */
export function App() {
  return (
    <>
      <Entrance />
      <Toasts />
    </>
  );
}

function Entrance() {
  const route = useRoute();
  const { identity, refresh } = useIdentity(route.page !== 'signIn');
  const link = useLink(route, refresh);
  const me = identity.kind === 'someone' ? identity.me : undefined;

  if (link.kind === 'refused') return <LinkRefused words={link.words} onGoOn={link.forget} />;
  if (link.kind === 'later') return <NotNow words={link.words} />;
  if (route.page === 'signIn' || link.kind === 'knocking' || identity.kind === 'asking') {
    return <p class="patience front">Signing in …</p>;
  }
  if (route.page === 'invite') {
    return <InvitePage secret={route.secret} me={me} onOpened={refresh} />;
  }
  if (route.page === 'sharedFilm') {
    return <SharedFilmPage key={route.secret} secret={route.secret} me={me} onOpened={refresh} />;
  }
  if (!me) return <Outside identity={identity} route={route} onSignedIn={refresh} />;
  return (
    <MeContext.Provider value={{ me, refresh }}>
      <Inside me={me} route={route} />
    </MeContext.Provider>
  );
}

function Inside({ me, route }: { me: Me; route: Route }) {
  // Where it comes to nothing the account page says why.
  useEffect(() => void stayTold(me.id).catch(() => undefined), [me.id]);
  if (route.page === 'watch') return <WatchPage key={route.topic} topic={route.topic} />;
  if (route.page === 'welcome' && !me.invite) return <WelcomePage />;
  return (
    <Shell me={me} route={route}>
      {pageOf(me, route)}
    </Shell>
  );
}

function pageOf(me: Me, route: Route) {
  const inHousehold = mayLookAround(me);
  switch (route.page) {
    case 'devices':
      return <DevicesPage />;
    case 'device':
      return <DevicePage key={route.id} id={route.id} />;
    case 'captures':
      return mayAnywhere(me, 'captures') ? <CapturesPage filter={route.filter} /> : <LivePage />;
    case 'film':
      return <FilmPage key={route.id} id={route.id} filter={route.filter} />;
    case 'account':
      return <AccountPage />;
    case 'tokens':
      return inHousehold ? <TokensPage /> : <LivePage />;
    case 'people':
      return inHousehold ? <PeoplePage /> : <LivePage />;
    case 'person':
      return inHousehold ? <PersonPage key={route.id} id={route.id} /> : <LivePage />;
    case 'audit':
      return inHousehold ? <AuditPage /> : <LivePage />;
    default:
      return <LivePage />;
  }
}

/** For whoever is not signed in: what is open to everybody, else the ways in. */
function Outside({
  identity,
  route,
  onSignedIn,
}: {
  identity: Identity;
  route: Route;
  onSignedIn: () => Promise<void>;
}) {
  const enter = () => {
    if (route.page === 'entrance') navigate(hrefs.live);
    void onSignedIn();
  };
  if (identity.kind === 'unreachable') return <Unreachable />;
  if (route.page === 'live') return <OpenLive otherwise={<SignInPage onSignedIn={enter} />} />;
  if (route.page === 'watch') {
    return <WatchPage key={route.topic} topic={route.topic} signedOut={<SignInPage onSignedIn={enter} />} />;
  }
  return <SignInPage onSignedIn={enter} />;
}

function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return useMemo(() => parseRoute(hash), [hash]);
}

type Link =
  | { readonly kind: 'none' }
  | { readonly kind: 'knocking' }
  | { readonly kind: 'refused'; readonly words: string }
  /** The link is not spent: another try may do. */
  | { readonly kind: 'later'; readonly words: string };

/** Problems after which a link is as good as before. */
const notSpent: readonly ProblemKind[] = ['unreachable', 'broken', 'too-many'];

/** Spends the secret of a sign-in link that the address holds. */
function useLink(route: Route, onSpent: () => Promise<void>): Link & { readonly forget: () => void } {
  const [link, setLink] = useState<Link>({ kind: 'none' });
  const secret = route.page === 'signIn' ? route.secret : undefined;
  // A link is spent once, however often the page is drawn.
  useEffect(() => {
    if (secret === undefined) return;
    setLink({ kind: 'knocking' });
    void signInByLink(secret).then(async (answer) => {
      if (!answer.ok && notSpent.includes(answer.problem.kind)) {
        return setLink({ kind: 'later', words: answer.problem.words });
      }
      await onSpent();
      clearAddress(); // the secret is spent
      setLink(answer.ok ? { kind: 'none' } : { kind: 'refused', words: answer.problem.words });
    });
  }, [secret]);
  return { ...link, forget: () => setLink({ kind: 'none' }) };
}
