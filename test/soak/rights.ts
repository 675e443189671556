import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestDevice } from '../../packages/relay/src/devices/testing/test-device.ts';
import { AwakeTime } from '../support/awake-time.ts';
import { Browser } from '../support/browser.ts';
import { openRelay, Peer } from '../support/relay.ts';

/** A right that was taken must have bitten after this, in ms. */
const LIMIT_MS = 1_000;
const HOUR_S = 3_600;
const AT_ONCE = 50;

export const kinds = [
  'session',
  'user',
  'role',
  'permission',
  'permission of a device',
  'token',
  'invite',
  'device',
] as const;
export type Kind = (typeof kinds)[number];

/** Somebody who has viewers open, how he opens one at either relay, and how he loses the right to. */
interface Subject {
  readonly topic: string;
  readonly headers: () => Promise<Record<string, string>>;
  /** Default: `/out/`. */
  readonly path?: '/out/' | '/in/';
  /** A stream of events over HTTP that rests on the same. */
  readonly events?: string;
  readonly take: () => Promise<number>;
}

/**
 * Opens so many viewers at each of two relays that share a database, all by one right; takes the right at the first; and
 * measures how long the last of them stays at either, streams of events with them. A bystander must not notice, and a code that was not used yet
 * must not be good any more.
 */
export async function takeRight(kind: Kind, viewersEach: number): Promise<{ readonly lastGoneMs: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'perch-rights-'));
  const database = `sqlite:${join(directory, 'shared.db')}`;
  // More viewers than one address may have, since all of them are here.
  const limits = { connectionsPerAddress: 10_000, codeBurst: 10_000 };
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const one = stack.use(await openRelay({ database, limits }));
  const two = stack.use(await openRelay({ database, limits }));
  const owner = await Browser.signedIn(one, await one.signInLink());
  const device = await TestDevice.enrol(one.url, await one.createEnrolmentCode('kitchen'));
  const subject = await subjectOf(kind, one, owner, device);

  const open = async (relay: typeof one) =>
    stack.use(
      await Peer.open(`${relay.ws}${subject.path ?? '/out/'}${subject.topic}`, {
        headers: { ...(await subject.headers()), Origin: relay.url },
      }),
    );
  const bystander = stack.use(await owner.open('/out/elsewhere'));
  const viewers: Peer[] = [];
  for (const relay of [one, two]) {
    for (let made = 0; made < viewersEach; made += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, viewersEach - made) }, () => open(relay));
      viewers.push(...(await Promise.all(some)));
    }
  }
  const answer = await fetch(`${two.url}/session/${subject.topic}`, {
    method: 'POST',
    headers: { ...(await subject.headers()), Origin: two.url },
  });
  assert.equal(answer.status, 200);
  const { uri } = (await answer.json()) as { uri: string };

  const streams: Promise<void>[] = [];
  for (const relay of subject.events === undefined ? [] : [one, two]) {
    const events = await fetch(relay.url + subject.events, { headers: await subject.headers() });
    assert.equal(events.status, 200);
    // It ends, or is cut off.
    streams.push((events.body ?? new ReadableStream()).pipeTo(new WritableStream()).catch(() => undefined));
  }

  const gone = Promise.all(viewers.map(({ closed }) => closed));
  using since = new AwakeTime();
  assert.ok((await subject.take()) < 300);
  const codes = new Set((await gone).map(({ code }) => code));
  await Promise.all(streams);
  const lastGoneMs = since.ms;
  assert.deepEqual([...codes], [4401]);
  assert.ok(lastGoneMs <= LIMIT_MS, `the last of ${viewers.length} was there for ${lastGoneMs} ms`);
  await assert.rejects(Peer.open(uri), { message: 'HTTP 401' }, 'a code that was not used');
  for (const relay of [one, two]) await assert.rejects(open(relay), /HTTP 401/, 'nobody comes in again');
  await bystander.settled();
  assert.equal(bystander.webSocket.readyState, 1, 'nobody else notices');
  return { lastGoneMs };
}

async function subjectOf(
  kind: Kind,
  relay: { readonly url: string },
  owner: Browser,
  device: TestDevice,
): Promise<Subject> {
  const always = (headers: Record<string, string>) => async () => headers;
  const topic = `${device.id}/front`;
  const status = async (answer: ReturnType<Browser['get']>) => (await answer).status;
  switch (kind) {
    case 'token': {
      const wanted = { topic: '**', scope: ['read'], ttl: HOUR_S };
      const { id, token } = (await owner.post('/api/v1/tokens', wanted)).body as {
        id: string;
        token: string;
      };
      const take = () => status(owner.delete(`/api/v1/tokens/${id}`));
      return { topic, headers: always({ Authorization: `Bearer ${token}` }), take };
    }
    case 'invite': {
      const wanted = { for: 'Ina', topic, permissions: ['view'], ttl: HOUR_S };
      const { id, link } = (await owner.post('/api/v1/invites', wanted)).body as { id: string; link: string };
      const browser = new Browser(relay);
      await browser.post('/api/v1/invites/open', { secret: new URL(link).hash.replace('#/invite/', '') });
      const take = () => status(owner.delete(`/api/v1/invites/${id}`));
      return { topic, headers: always(browser.headers), take };
    }
    case 'device':
      return {
        topic,
        path: '/in/',
        headers: () => device.authorization(relay.url),
        take: () => status(owner.delete(`/api/v1/devices/${device.id}`)),
      };
    default: {
      const { body } = await owner.post('/api/v1/users', { name: 'Mia', role: 'member' });
      const { id, link } = body as { id: string; link: string };
      const browser = await Browser.signedIn(relay, link);
      const change = (changes: object) => status(owner.patch(`/api/v1/users/${id}`, changes));
      const takes = {
        session: () => status(browser.post('/api/v1/sign-out')),
        user: () => status(owner.delete(`/api/v1/users/${id}`)),
        role: () => change({ role: 'guest' }),
        permission: () => change({ permissions: { '*': [] } }),
        'permission of a device': () => change({ permissions: { [device.id]: ['command'] } }),
      };
      const events = `/api/v1/devices/${device.id}/events`;
      return { topic, headers: always(browser.headers), events, take: takes[kind] };
    }
  }
}
