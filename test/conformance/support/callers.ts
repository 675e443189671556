import { Agent, request } from 'node:https';
import { silentLogger } from '@perch/runtime';
import type { FakeClock } from '@perch/testkit';
import { WebSocket } from 'ws';
import { signingRequest, TestDevice } from '../../../packages/relay/src/devices/testing/test-device.ts';
import { createHouseholdIn, createTokenIn, revokeTokenIn } from '../../../packages/relay/src/index.ts';
import { newKeyPair } from '../../../packages/relay/src/tls/ca.ts';
import { openRelay } from '../../support/relay.ts';

type OpenRelay = Awaited<ReturnType<typeof openRelay>>;

export const callerNames = [
  'nobody',
  'guest without',
  'guest with',
  'guest with another',
  'invite',
  'member',
  'owner',
  'other owner',
  'revoked token',
  'expired code',
  'foreign device',
  'token',
  'device',
] as const;
export type CallerName = (typeof callerNames)[number];

/** What a caller brings with a request. Made for each: a device's signature counts once. */
export interface Brought {
  readonly headers: Readonly<Record<string, string>>;
  /** In the address. */
  readonly code?: string;
}

export type Bring = () => Promise<Brought>;

const HOUR = 3_600_000;
const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

export interface Sent {
  readonly status: number;
  readonly body: string;
  readonly cookies: readonly string[];
}

/** Asks; of a stream of events it reads no more than the head. */
export function send(
  url: string,
  options: { method: string; headers?: Readonly<Record<string, string>>; body?: unknown },
): Promise<Sent> {
  const { method, headers = {}, body } = options;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const type = text === undefined ? {} : { 'Content-Type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent, headers: { ...headers, ...type } }, (answer) => {
      const { statusCode: status = 0 } = answer;
      const cookies = (answer.headers['set-cookie'] ?? []).map((line) => line.split(';', 1)[0] as string);
      if (answer.headers['content-type']?.startsWith('text/event-stream')) {
        answer.destroy();
        resolve({ status, body: '', cookies });
        return;
      }
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => resolve({ status, body: Buffer.concat(parts).toString(), cookies }));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

/** Asks for a WebSocket. @returns 101, or the status of the refusal. */
export function dial(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers, rejectUnauthorized: false });
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.once('unexpected-response', (_request, response) => {
      socket.terminate();
      resolve(response.statusCode ?? 0);
    });
    socket.once('error', reject);
  });
}

/** One of everybody who may ask a relay something, on a relay that speaks TLS. */
export class Callers implements AsyncDisposable {
  readonly relay: OpenRelay;
  /** Of the first household. */
  readonly device: string;
  readonly #bring: Readonly<Record<CallerName, Bring>>;
  readonly #signIn: Readonly<Partial<Record<CallerName, () => Promise<Brought>>>>;

  private constructor(
    relay: OpenRelay,
    device: string,
    bring: Readonly<Record<CallerName, Bring>>,
    signIn: Readonly<Partial<Record<CallerName, () => Promise<Brought>>>>,
  ) {
    this.relay = relay;
    this.device = device;
    this.#bring = bring;
    this.#signIn = signIn;
  }

  static async open(relay: OpenRelay, clock: FakeClock): Promise<Callers> {
    const { url, data } = relay;
    const place = { data, clock, logger: silentLogger };
    const signIn = async (link: string): Promise<Brought> => {
      const secret = new URL(link).hash.slice(1);
      const { cookies } = await send(`${url}/api/v1/sign-in`, { method: 'POST', body: { secret } });
      return { headers: { Cookie: cookies.join('; '), Origin: url } };
    };
    const asked = async (by: Brought, method: string, path: string, body?: unknown) =>
      JSON.parse((await send(url + path, { method, headers: by.headers, body })).body);

    const owner = await signIn(await relay.signInLink());
    const device = await enrol(relay);
    const person = async (name: string, role: string, permissions: object) => {
      const { id, link } = await asked(owner, 'POST', '/api/v1/users', { name, role });
      await asked(owner, 'PATCH', `/api/v1/users/${id}`, { permissions });
      const again = async () => signIn((await asked(owner, 'POST', `/api/v1/users/${id}/link`)).link);
      return { brought: await signIn(link), again };
    };
    const all = ['view', 'listen', 'talk', 'command', 'call', 'captures'];
    const { link: inviteLink } = await asked(owner, 'POST', '/api/v1/invites', {
      for: 'Ina',
      device: device.id,
      permissions: all,
      ttl: HOUR / 1_000,
    });
    const invited = async (): Promise<Brought> => {
      const secret = new URL(inviteLink).hash.replace('#/invite/', '');
      const { cookies } = await send(`${url}/api/v1/invites/open`, { method: 'POST', body: { secret } });
      return { headers: { Cookie: cookies.join('; '), Origin: url } };
    };
    const without = await person('Gus', 'guest', {});
    const guest = await person('Gwen', 'guest', { '*': ['view', 'listen'], [device.id]: all });
    const another = await person('Greg', 'guest', { [device.id]: ['captures'] });
    const member = await person('Mia', 'member', {});
    const second = await person('Otto', 'owner', {});
    const other = await createHouseholdIn({ ...place, name: 'lab' });
    const otherOwner = await signIn(`${url}/#${other?.secret}`);
    const { link: otherLink } = await asked(otherOwner, 'POST', '/api/v1/users', {
      name: 'Lea',
      role: 'owner',
    });

    const token = { topic: '**', scope: ['read', 'write', 'audit'], ttlMs: HOUR } as const;
    const bearer = (secret: string) => async () => ({ headers: { Authorization: `Bearer ${secret}` } });
    const revoked = await createTokenIn({ ...place, ...token });
    await revokeTokenIn({ ...place, id: (await relay.findToken(revoked))?.id ?? '' });
    const { uri } = await asked(owner, 'POST', '/session/front');
    const code = new URL(uri).searchParams.get('code') ?? '';
    clock.advance(31_000);

    const signed = (from: TestDevice) => async () => {
      const { nonce } = JSON.parse((await send(`${url}/api/v1/devices/challenge`, { method: 'GET' })).body);
      return { headers: { Authorization: from.sign(nonce) } };
    };
    const always = (brought: Brought) => async () => brought;
    return new Callers(
      relay,
      device.id,
      {
        nobody: always({ headers: {} }),
        'guest without': always(without.brought),
        'guest with': always(guest.brought),
        'guest with another': always(another.brought),
        invite: always(await invited()),
        member: always(member.brought),
        owner: always(owner),
        'other owner': always(otherOwner),
        'revoked token': bearer(revoked),
        'expired code': always({ headers: { Authorization: `Bearer ${code}` }, code }),
        'foreign device': signed(await foreignDevice()),
        token: bearer(await relay.createToken(token)),
        device: signed(device),
      },
      {
        'guest without': without.again,
        'guest with': guest.again,
        'guest with another': another.again,
        invite: invited,
        member: member.again,
        owner: second.again,
        'other owner': () => signIn(otherLink),
      },
    );
  }

  bring(name: CallerName): Promise<Brought> {
    return this.#bring[name]();
  }

  /** The same in a browser that just signed in, where that is what a caller does: it may be signed out again. */
  bringAnew(name: CallerName): Promise<Brought> {
    return (this.#signIn[name] ?? this.#bring[name])();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay.close();
  }
}

async function enrol(relay: OpenRelay): Promise<TestDevice> {
  const keys = newKeyPair();
  const body = { code: await relay.createEnrolmentCode('kitchen'), csr: await signingRequest(keys) };
  const answer = await send(`${relay.url}/api/v1/enroll`, { method: 'POST', body });
  const { device, certificate } = JSON.parse(answer.body);
  return new TestDevice({ id: device, key: keys.privateKey, certificate });
}

/** A device of another relay: its certificate is of another authority. */
async function foreignDevice(): Promise<TestDevice> {
  await using elsewhere = await openRelay();
  return await TestDevice.enrol(elsewhere.url, await elsewhere.createEnrolmentCode('kitchen'));
}
