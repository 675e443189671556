import { type Logger, silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { AppSessions } from '../../auth/app-sessions.ts';
import type { Cause } from '../../captures/capture.ts';
import { Library } from '../../captures/library.ts';
import { openDevices } from '../../devices/open-devices.ts';
import { FIRST_HOUSEHOLD } from '../../people/household.ts';
import type { Role } from '../../people/permissions.ts';
import { Users } from '../../people/users.ts';
import { parseDatabaseAddress } from '../../storage/address.ts';
import type { Database } from '../../storage/database.ts';
import { openDatabase } from '../../storage/open.ts';
import { Push } from '../push.ts';
import type { TestBrowser } from './test-browser.ts';
import { TestPushService } from './test-push-service.ts';

/** A morning on which nobody's quiet hours are. */
const START = Date.parse('2026-06-03T10:00:00Z');

/** Somebody with a signed-in browser that is told. */
export interface Listener {
  readonly user: string;
  readonly session: string;
  readonly browser: TestBrowser;
}

/** The rooms around pushes, on a database and a clock of their own, with a push service to send to. */
export class PushBench {
  readonly clock: FakeClock;
  readonly database: Database;
  readonly service: TestPushService;
  readonly users: Users;
  readonly sessions: AppSessions;
  readonly library: Library;
  /** Whether films have a picture that can be made. */
  hasPictures = false;
  readonly #opened: Push[] = [];
  readonly #failures: (() => void)[] = [];
  /** Tells of errors. */
  readonly #logger: Logger = {
    ...silentLogger,
    error: () => {
      for (const tell of this.#failures.splice(0)) tell();
    },
  };
  #films = 0;

  static async open(address: string): Promise<PushBench> {
    const service = await TestPushService.open();
    const clock = new FakeClock({ wallMs: START });
    const parsed = parseDatabaseAddress(address, '/nowhere');
    return new PushBench(service, clock, await openDatabase({ address: parsed, logger: silentLogger }));
  }

  private constructor(service: TestPushService, clock: FakeClock, database: Database) {
    this.service = service;
    this.clock = clock;
    this.database = database;
    this.users = new Users({ database, clock });
    this.sessions = new AppSessions({ database, clock, logger: silentLogger });
    this.library = new Library({ database, clock });
  }

  /** A relay's pushes. @param library whose news it hears: default, those of the one relay that films come to. */
  async relay(library: Library = this.library): Promise<Push> {
    const { database, clock, users, service } = this;
    const push = await Push.open({
      ...{ database, clock, users, library, logger: this.#logger, contact: () => 'https://relay.example' },
      devices: openDevices({ database, clock, logger: silentLogger }).devices,
      picture: () => (this.hasPictures ? Promise.resolve() : Promise.reject(new Error('nothing yet'))),
      ...{ origins: [service.origin], ca: service.ca },
    });
    this.#opened.push(push);
    return push;
  }

  /** A relay that hears nothing: films come to another one. */
  otherRelay(): Promise<Push> {
    return this.relay(new Library({ database: this.database, clock: this.clock }));
  }

  async device(id: string, household = FIRST_HOUSEHOLD): Promise<void> {
    const insert = `INSERT INTO devices (id, household, name, enrolled, certificate_expires) VALUES (?, ?, ?, 0, 0)`;
    await this.database.execute(insert, [id, household, `the ${id}`]);
  }

  async person(name: string, role: Role = 'member', household = FIRST_HOUSEHOLD): Promise<Listener> {
    const user = await this.users.create({ household, name, role });
    if (typeof user === 'string') throw new Error(user);
    return await this.signIn(user.id);
  }

  /** One more browser of somebody. */
  async signIn(user: string, browser: TestBrowser = this.service.browser()): Promise<Listener> {
    const { session } = await this.sessions.begin({ kind: 'user', id: user }, { address: '', userAgent: '' });
    const [push] = this.#opened;
    await push?.subscriptions.keep(session.id, user, { endpoint: browser.endpoint, ...browser.keys });
    return { user, session: session.id, browser };
  }

  /** A film begins on the device. @returns the relay's id for it, and how to bring its first segment. */
  async film(device: string, { cause = 'motion', household = FIRST_HOUSEHOLD, ago = 0 }: FilmOptions = {}) {
    const name = `film${++this.#films}`;
    const timestamp = Math.floor((this.clock.wall() - ago) / 1_000);
    const of = { ...{ household, device, name, cause, timestamp }, source: 'perch' } as const;
    const begun = this.library.news.once('begun');
    await this.library.loseSegment(of, 9, 'so that it begins');
    const { id } = await begun;
    const file = { extension: 'mp4', size: 1, sha256: 'aa' };
    return { id, of, segment: () => this.library.keepSegment(of, 0, file) };
  }

  async alarm(device: string, of?: Awaited<ReturnType<PushBench['film']>>['of']): Promise<void> {
    const timestamp = Math.floor(this.clock.wall() / 1_000);
    const alarm = { household: FIRST_HOUSEHOLD, device, id: `alarm${++this.#films}`, timestamp };
    await this.library.raiseAlarm(alarm, of);
  }

  /** Resolves when a relay logs an error. */
  failed(): Promise<void> {
    return new Promise((resolve) => this.#failures.push(resolve));
  }

  /** Resolves when nothing is under way in any relay. */
  async settled(): Promise<void> {
    for (const push of this.#opened) await push.settled();
  }

  /** Moves time on, in steps small enough for one thing after the other. */
  async advance(ms: number): Promise<void> {
    const step = Math.max(2_000, Math.ceil(ms / 20));
    for (let left = ms; left > 0; left -= step) {
      this.clock.advance(Math.min(step, left));
      await this.settled();
    }
  }

  /** What a browser was told, in words. */
  heard({ browser }: Listener): string[] {
    const texts = this.service.readBy(browser) as { what: string; name?: string; capture?: string }[];
    return texts.map(({ what, name = '', capture }) => `${what} ${name}${capture ? '' : ', no film'}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const push of this.#opened) await push.close();
    await this.database.close();
    await this.service[Symbol.asyncDispose]();
  }
}

interface FilmOptions {
  readonly cause?: Cause;
  readonly household?: string;
  /** It was filmed so long ago, in milliseconds. */
  readonly ago?: number;
}
