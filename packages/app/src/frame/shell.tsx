import type { ComponentChildren } from 'preact';
import type { Me } from '../account/me.ts';
import { hasNoKey, mayAnywhere, mayLookAround } from '../account/me.ts';
import { hrefs, type Route } from '../route.ts';
import { Icon, type IconName } from './icon.tsx';

interface Place {
  readonly href: string;
  readonly label: string;
  readonly icon: IconName;
  /** The pages that lie there. */
  readonly pages: readonly Route['page'][];
}

const live: Place = { href: hrefs.live, label: 'Live', icon: 'live', pages: ['live', 'watch'] };
const devices: Place = {
  href: hrefs.devices,
  label: 'Devices',
  icon: 'devices',
  pages: ['devices', 'device'],
};
const captures: Place = {
  href: hrefs.captures(),
  label: 'Captures',
  icon: 'captures',
  pages: ['captures', 'film'],
};
const people: Place = { href: hrefs.people, label: 'People', icon: 'people', pages: ['people', 'person'] };
const history: Place = { href: hrefs.audit, label: 'History', icon: 'history', pages: ['audit'] };
const account: Place = { href: hrefs.account, label: 'You', icon: 'account', pages: ['account', 'tokens'] };

/** What is around the pages of whoever is signed in: the ways between them. At the foot of a phone, else at the side. */
export function Shell({ me, route, children }: { me: Me; route: Route; children: ComponentChildren }) {
  const films = mayAnywhere(me, 'captures') ? [captures] : [];
  const household = mayLookAround(me) ? [people, history] : [];
  const places = [live, devices, ...films, ...household, account];
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => document.querySelector('h1')?.focus()}>
        To the content
      </button>
      <nav class="places" aria-label="Pages">
        <a class="home" href={hrefs.live} aria-label="Perch, home">
          <img src="/icon.svg" alt="" width="32" height="32" />
          <span>{me.household.name || 'Perch'}</span>
        </a>
        <ul>
          {places.map((place) => (
            <li key={place.href}>
              <a href={place.href} aria-current={place.pages.includes(route.page) ? 'page' : undefined}>
                <Icon name={place.icon} />
                <span>{place.label}</span>
                {place === account && hasNoKey(me) && <i class="badge" title="Something to do" />}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {children}
    </div>
  );
}
