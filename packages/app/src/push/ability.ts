import { ownWorker } from '../own-worker.ts';

/** Whether this browser can be told of anything while the app is closed, or what stands in the way. */
export type Ability = 'able' | 'blocked' | 'insecure' | 'needs-home-screen' | 'untrusted' | 'unable';

/** What of the browser decides; in tests something else than the browser. */
export interface BrowserFacts {
  readonly isSecure: boolean;
  /** It knows service workers, push and notifications. */
  readonly hasPush: boolean;
  readonly permission: NotificationPermission | undefined;
  /** The app's service worker is there: not where the browser does not trust the relay's certificate. */
  readonly hasWorker: boolean;
  readonly userAgent: string;
  readonly touchPoints: number;
}

export function abilityOf(browser: BrowserFacts): Ability {
  const { isSecure, hasPush, permission, hasWorker } = browser;
  if (!isSecure) return 'insecure';
  if (!hasPush) return isApplePhone(browser) ? 'needs-home-screen' : 'unable';
  if (permission === 'denied') return 'blocked';
  return hasWorker ? 'able' : 'untrusted';
}

/** Of iPhones and iPads only pages that are on the home screen are told of anything. An iPad says it is a Mac. */
const isApplePhone = ({ userAgent, touchPoints }: BrowserFacts): boolean =>
  /iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && touchPoints > 1);

/** As this browser is. */
export async function ownFacts(): Promise<BrowserFacts> {
  const hasPush = 'serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis;
  return {
    isSecure: globalThis.isSecureContext,
    hasPush,
    permission: hasPush ? Notification.permission : undefined,
    hasWorker: hasPush && (await ownWorker()) !== undefined,
    userAgent: navigator.userAgent,
    touchPoints: navigator.maxTouchPoints,
  };
}

/** What stands in the way, and what to do. */
export const abilityWords: { readonly [K in Exclude<Ability, 'able'>]: string } = {
  blocked:
    'This browser blocks notifications of this page. Allow them in its settings for this site, then load the page again.',
  insecure: 'Notifications need HTTPS. Open the relay by its https:// address.',
  'needs-home-screen':
    'On an iPhone or iPad, add Perch to the home screen first: Share, then “Add to Home Screen”. Open it from there and come back to this page.',
  untrusted: 'This browser does not trust the relay’s certificate yet, so it keeps no part of the app.',
  unable: 'This browser cannot show notifications of a page that is closed.',
};
