import { type Clock, millis } from '@perch/runtime';
import type { PushText } from './notice.ts';
import type { PushOutcome } from './push-services.ts';
import { isQuiet } from './quiet-hours.ts';
import type { PushSettings } from './settings.ts';
import type { Subscription, Subscriptions } from './subscriptions.ts';

export interface RemindersOptions {
  readonly subscriptions: Subscriptions;
  readonly settings: PushSettings;
  readonly send: (subscription: Subscription, text: PushText) => Promise<PushOutcome>;
  readonly clock: Clock;
}

/** So long before its sign-in ends a browser is told. */
const BEFORE = millis(48 * 3_600_000);

/** A sign-in ends after a month, and with it what its browser is told: so it is told of that too, once, and not at night. */
export class Reminders {
  readonly #options: RemindersOptions;

  constructor(options: RemindersOptions) {
    this.#options = options;
  }

  /** Reminds those whose time has come. Call it now and then. */
  async round(): Promise<void> {
    const { subscriptions, settings, send, clock } = this.#options;
    const now = clock.wall();
    for (const { until, ...subscription } of await subscriptions.ending(BEFORE)) {
      const { quiet } = await settings.of(subscription.user);
      if (quiet && isQuiet(quiet, now)) continue;
      // One relay of several does it.
      if (!(await subscriptions.markReminded(subscription.session, true))) continue;
      const { kind } = await send(subscription, { what: 'ending', tag: 'ending', at: until });
      if (kind === 'later') await subscriptions.markReminded(subscription.session, false);
    }
  }
}
