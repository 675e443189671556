import { createHmac } from 'node:crypto';
import { Backoff, type Clock, type Logger, type Millis, millis, Scope, sleep } from '@perch/runtime';
import type { CaptureSummary } from '../captures/capture.ts';
import type { Library } from '../captures/library.ts';
import type { Devices } from '../devices/devices.ts';
import { userRight } from '../people/rights.ts';
import type { Users } from '../people/users.ts';
import type { Database } from '../storage/database.ts';
import type { Notice, PushText } from './notice.ts';
import { type Letter, Outbox } from './outbox.ts';
import { type PushOutcome, PushServices } from './push-services.ts';
import { isQuiet } from './quiet-hours.ts';
import { Reminders } from './reminders.ts';
import { PushSettings, USUAL_CHOICE } from './settings.ts';
import { type Subscription, Subscriptions } from './subscriptions.ts';
import { Vapid } from './vapid.ts';

export interface PushOptions {
  readonly database: Database;
  readonly users: Users;
  readonly devices: Devices;
  readonly library: Library;
  /** Makes the picture that a notification shows; rejects where there is none yet. */
  readonly picture: (film: CaptureSummary) => Promise<unknown>;
  /** The relay's own address: what push services are told of who sends. */
  readonly contact: () => string;
  /** Push services that browsers may name. Default: all public ones. */
  readonly origins?: readonly string[];
  /** PEM certificates to trust, besides the usual ones. */
  readonly ca?: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A film is told of when its first picture is there, or after this. An alarm does not wait. */
const PICTURE_WAIT = millis(5_000);
/** For so long people want to know of an alarm, and of a film. */
const ALARM_LIFE = millis(24 * 3_600_000);
const FILM_LIFE = millis(4 * 3_600_000);
/** No film is that old: it is the device's clock. */
const CLOCK_IS_WRONG = 365 * 24 * 3_600_000;
const TEST_LIFE = millis(60_000);
const REMINDER_LIFE = millis(24 * 3_600_000);
/** So often it is looked what is due, also what other relays have put in. */
const PERIOD = millis(2_000);
/** So often it is tried to put in a piece of news, where the database was away just then. */
const MOST_PUTS = 10;
/** So often it is looked whose sign-in ends. */
const REMINDER_PERIOD = millis(3_600_000);
/** So many are sent at once. */
const MOST_SENDING = 32;
/** Pauses between tries: 10 s, 40 s, … up to half an hour. */
const FIRST_PAUSE = millis(10_000);
const LONGEST_PAUSE = millis(1_800_000);
/** So many films may wait for their first picture; more are told of without. */
const MOST_WITHOUT_PICTURE = 1_000;

/** Web Push: who wants to hear of what is filmed hears of it, also when the app is not open. */
export class Push implements AsyncDisposable {
  /** What browsers subscribe with. */
  readonly publicKey: string;
  readonly subscriptions: Subscriptions;
  readonly settings: PushSettings;
  readonly services: PushServices;
  readonly #options: PushOptions;
  readonly #outbox: Outbox;
  readonly #scope = new Scope();
  readonly #closing = new AbortController();
  /** Films of which no picture is there yet → when they began, by our clock. */
  readonly #unseen = new Map<string, Millis>();
  /** What is under way here: letters being sent, news being put in. */
  readonly #work = new Set<Promise<void>>();
  #sending = 0;
  #looking: Promise<void> | undefined;
  #isLookWanted = false;
  #isOutOfTouch = false;
  /** News are put in in their order. */
  #news: Promise<void> = Promise.resolve();

  /** @throws {RelayError} where the database does not answer or holds something else than the relay wrote. */
  static async open(options: PushOptions): Promise<Push> {
    return new Push(options, await Vapid.open(options));
  }

  private constructor(options: PushOptions, vapid: Vapid) {
    const { database, library, origins, ca, clock } = options;
    this.#options = options;
    this.publicKey = vapid.publicKey;
    this.subscriptions = new Subscriptions({ database, clock });
    this.settings = new PushSettings({ database });
    this.#outbox = new Outbox({ database, clock });
    this.services = new PushServices({ vapid, origins, ca, clock });
    this.#scope.onClose(() => Promise.all(this.#work));
    this.#scope.onClose(() => this.services.close());
    this.#scope.onClose(() => this.#closing.abort());
    const listening = [
      library.news.on('begun', ({ id, household, device, cause, timestamp }) => {
        this.#expectPicture(id);
        this.#tell(household, { what: cause, device, capture: id, at: timestamp * 1_000 });
      }),
      library.news.on('alarm', ({ household, device, capture, timestamp }) => {
        this.#tell(household, { what: 'alarm', device, capture, at: timestamp * 1_000 });
      }),
      library.news.on('changed', ({ capture, segment }) => {
        if (segment !== undefined && this.#unseen.has(capture)) this.#run(this.#seek(capture));
      }),
    ];
    this.#scope.onClose(() => {
      for (const each of listening) each[Symbol.dispose]();
    });
    const { subscriptions, settings } = this;
    const send = (subscription: Subscription, text: PushText) =>
      this.#send(subscription, text, { life: REMINDER_LIFE, isUrgent: false });
    const reminders = new Reminders({ subscriptions, settings, send, clock });
    const timers = [
      clock.every(PERIOD, () => this.#look()),
      clock.every(REMINDER_PERIOD, () => this.#run(reminders.round())),
    ];
    this.#scope.onClose(() => {
      for (const timer of timers) timer.cancel();
    });
  }

  /** Sends one to a browser, at once, whatever its person wants to hear. */
  async test(subscription: Subscription): Promise<PushOutcome> {
    const at = Math.floor(this.#options.clock.wall());
    const text: PushText = { what: 'test', tag: 'test', at };
    return await this.#send(subscription, text, { life: TEST_LIFE, isUrgent: true });
  }

  /** Resolves when nothing is under way here. What waits for its time may still wait. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** Sends nothing more; what was not sent is sent when a relay starts again. Idempotent. */
  close(): Promise<void> {
    return this.#scope.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #tell(household: string, notice: Notice): void {
    const isAlarm = notice.what === 'alarm';
    const times = {
      wait: isAlarm ? millis(0) : PICTURE_WAIT,
      life: isAlarm ? ALARM_LIFE : FILM_LIFE,
    };
    if (isStale(this.#options.clock.wall() - notice.at, times.life)) return;
    this.#news = this.#news.then(() => this.#put(household, notice, times));
    this.#run(this.#news.then(() => this.#look()));
  }

  /** Never rejects. */
  async #put(...letter: Parameters<Outbox['put']>): Promise<void> {
    for (let tries = 1; tries <= MOST_PUTS && !this.#closing.signal.aborted; tries++) {
      try {
        return await this.#outbox.put(...letter);
      } catch (error) {
        this.#failed(error);
        await sleep(this.#options.clock, PERIOD, this.#closing.signal).catch(() => undefined); // the relay ends
      }
    }
  }

  #expectPicture(capture: string): void {
    const now = this.#options.clock.now();
    for (const [id, began] of this.#unseen) {
      if (now - began < PICTURE_WAIT && this.#unseen.size < MOST_WITHOUT_PICTURE) break;
      this.#unseen.delete(id);
    }
    this.#unseen.set(capture, now);
  }

  /** Makes the picture of a film, and then tells of it. */
  async #seek(capture: string): Promise<void> {
    const { library, picture } = this.#options;
    const film = await library.find(capture);
    if (!film || film.here === 0) return;
    try {
      await picture(film);
    } catch {
      return; // nothing of it can be shown yet: the next segment may do
    }
    this.#unseen.delete(capture);
    await this.#news; // it is put in first
    await this.#outbox.hasten(capture);
    this.#look();
  }

  /** Looks what is due, and begins to send it. */
  #look(): void {
    this.#isLookWanted = true;
    if (this.#looking || this.#scope.isClosing) return;
    this.#looking = this.#lookOn().finally(() => {
      this.#looking = undefined;
    });
    this.#run(this.#looking);
  }

  async #lookOn(): Promise<void> {
    while (this.#isLookWanted && this.#sending < MOST_SENDING && !this.#scope.isClosing) {
      this.#isLookWanted = false;
      const letters = await this.#outbox.take(MOST_SENDING - this.#sending);
      this.#isOutOfTouch = false;
      for (const letter of letters) {
        this.#sending++;
        const sent = this.#deliver(letter).finally(() => {
          this.#sending--;
          this.#look();
        });
        this.#run(sent);
      }
    }
  }

  /** Sends a letter, if it is still wanted and its person may still see what it tells of. */
  async #deliver(letter: Letter): Promise<void> {
    const { clock, logger } = this.#options;
    const subscription = await this.subscriptions.find(letter.subscription);
    const text = subscription && (await this.#textOf(letter, subscription));
    const isAlarm = letter.what === 'alarm';
    if (!text) return await this.#outbox.drop(letter);
    if (letter.tries === 1 && !(await this.subscriptions.take(subscription.session, { isAlarm }))) {
      logger.warn('a push is left out: this browser had too many', { user: subscription.user });
      return await this.#outbox.drop(letter);
    }
    const life = millis(letter.expires - clock.wall());
    const outcome = await this.#send(subscription, text, { life, isUrgent: isAlarm });
    if (outcome.kind !== 'later') return await this.#outbox.drop(letter);
    const wait = outcome.wait ?? pauseAfter(letter.tries);
    if (wait > life) return await this.#outbox.drop(letter);
    await this.#outbox.putBack(letter, wait);
  }

  /** What a letter says to its browser; `undefined`: nothing any more. */
  async #textOf(letter: Letter, { user: id }: Subscription): Promise<PushText | undefined> {
    const { users, devices, library, clock } = this.#options;
    const { what, tag, capture, at } = letter;
    const now = clock.wall();
    const [user, device, wishes] = await Promise.all([
      users.find(id),
      devices.find(letter.device),
      this.settings.of(id),
    ]);
    if (now >= letter.expires || !user || !device || user.household !== device.household) return undefined;
    if (userRight(user, { device: device.id }, ['captures']).permissions.length === 0) return undefined;
    const choice = wishes.devices.get(device.id) ?? USUAL_CHOICE;
    if (choice === 'nothing' || (choice === 'alarms' && what !== 'alarm')) return undefined;
    const { quiet } = wishes;
    if (quiet && isQuiet(quiet, now) && !(what === 'alarm' && quiet.alarms)) return undefined;
    if (capture !== undefined && !(await library.find(capture)) && what !== 'alarm') return undefined;
    return { what, tag, name: device.name, device: device.id, capture, at };
  }

  async #send(
    subscription: Subscription,
    text: PushText,
    { life, isUrgent }: { life: Millis; isUrgent: boolean },
  ): Promise<PushOutcome> {
    const { session, user, auth } = subscription;
    const ttl = Math.floor(life / 1_000);
    // The push service learns that two are of the same thing, and not which.
    const topic = createHmac('sha256', auth).update(text.tag).digest('base64url').slice(0, 32);
    const message = { text: JSON.stringify(text), ttl, isUrgent, topic };
    const outcome = await this.services.send(subscription, message);
    if (this.#scope.isClosing) return outcome;
    if (outcome.kind === 'gone') await this.subscriptions.forget(subscription);
    else if (outcome.kind === 'taken') await this.subscriptions.note(session);
    else {
      const { reason } = outcome;
      this.#options.logger.warn('a push could not be sent', {
        user,
        reason,
        again: outcome.kind === 'later',
      });
      await this.subscriptions.note(session, reason);
    }
    return outcome;
  }

  #run(work: Promise<void>): void {
    const done = work.catch(this.#failed).finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  /** The database is away: said once, then tried again and again. */
  readonly #failed = (error: unknown): void => {
    if (this.#isOutOfTouch) return;
    this.#isOutOfTouch = true;
    this.#options.logger.error('pushes wait until the database answers', { error: (error as Error).message });
  };
}

/** Whether something comes home so late that nobody wants to be told any more: after days without a network, for one. */
const isStale = (age: number, life: Millis): boolean => age > life && age < CLOCK_IS_WRONG;

/** After the n-th try. */
function pauseAfter(tries: number): Millis {
  const backoff = new Backoff({ first: FIRST_PAUSE, most: LONGEST_PAUSE, factor: 4 });
  for (let i = 1; i < tries && i < 10; i++) backoff.next();
  return backoff.next();
}
