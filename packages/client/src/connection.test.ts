import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { Connection, type ConnectionOptions, type ConnectionState, type SocketLike } from './index.ts';

/** A socket whose other side is the test. */
class FakeSocket implements SocketLike {
  binaryType = '';
  readyState = 0;
  bufferedAmount = 0;
  protocol = '';
  readonly sent: (string | Uint8Array)[] = [];
  readonly closes: (number | undefined)[] = [];
  readonly url: string;
  readonly #listeners = new Map<string, ((event: never) => void)[]>();

  readonly offered: readonly string[];

  constructor(url: string, offered: readonly string[]) {
    this.url = url;
    this.offered = offered;
  }
  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }
  close(code?: number): void {
    this.closes.push(code);
    this.readyState = 3;
    this.#emit('close', { code: code ?? 1005, reason: '' });
  }
  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }
  #emit(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }
  opens(): void {
    this.readyState = 1;
    this.#emit('open', {});
  }
  says(data: string | ArrayBuffer): void {
    this.#emit('message', { data });
  }
  ends(code: number, reason = ''): void {
    this.readyState = 3;
    this.#emit('close', { code, reason });
  }
}

function setUp(options: Partial<ConnectionOptions> = {}) {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const connection = new Connection({
    url: 'ws://relay.example/out/x',
    clock,
    random: () => 0.5,
    fetch: () => Promise.reject(new Error('no network')),
    openSocket: (url, protocols) => {
      const socket = new FakeSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
    ...options,
  });
  const latest = () => sockets.at(-1) as FakeSocket;
  return { clock, sockets, connection, latest };
}

/** Lets promises that are already settled run their continuations. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a refused dial is tried again after 1, 2, 4, 8, 10, 10 s', async () => {
  const { clock, connection, latest } = setUp();
  connection.start();
  const pauses: number[] = [];
  for (let i = 0; i < 6; i++) {
    await settle();
    latest().ends(1006);
    const { state } = connection;
    assert.equal(state.kind, 'waiting');
    pauses.push(state.nextTryAt - clock.now());
    clock.advance(state.nextTryAt - clock.now());
  }
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test('pauses are spread by a quarter', async () => {
  const { clock, connection, latest } = setUp({ random: () => 0 });
  connection.start();
  await settle();
  latest().ends(1006);
  assert.equal(connection.state.kind === 'waiting' && connection.state.nextTryAt - clock.now(), 750);
});

test('a connection that lived 5 s and ended is dialled again at once', async () => {
  const { clock, connection, latest, sockets } = setUp();
  connection.start();
  await settle();
  latest().opens();
  clock.advance(5_000);
  latest().ends(1006);
  await settle();
  assert.equal(sockets.length, 2);
});

for (const [code, lifeMs] of [
  [1000, 4_999],
  [1008, 60_000],
  [1013, 60_000],
  [4401, 60_000],
] as const) {
  test(`a connection closed with ${code} after ${lifeMs} ms is not dialled again at once`, async () => {
    const { clock, connection, latest, sockets } = setUp();
    connection.start();
    await settle();
    latest().opens();
    clock.advance(lifeMs);
    latest().ends(code, 'go away');
    await settle();
    assert.equal(sockets.length, 1);
    assert.equal(connection.state.kind, 'waiting');
    assert.match(connection.state.kind === 'waiting' ? connection.state.error.message : '', /go away/);
  });
}

test('a dial that hangs is given up after 10 s', async () => {
  const { clock, connection, latest } = setUp();
  connection.start();
  await settle();
  clock.advance(10_000);
  assert.equal(
    connection.state.kind === 'waiting' && connection.state.error.message.includes('no answer'),
    true,
  );
  assert.deepEqual(latest().closes, [1000]);
});

/** Anew at each call, whatever was asserted of it before. */
const stateOf = ({ state }: Connection): ConnectionState => state;

test('whoever has time can give a dial more', async () => {
  const { clock, connection, latest } = setUp({ dialTimeout: () => millis(30_000) });
  connection.start();
  await settle();
  clock.advance(29_999);
  assert.equal(stateOf(connection).kind, 'connecting');
  clock.advance(1);
  const state = stateOf(connection);
  assert.match(state.kind === 'waiting' ? state.error.message : '', /in 30 s/);
  assert.deepEqual(latest().closes, [1000]);
});

test('one whose place another takes again and again waits a minute, then two, four, at most an hour', async () => {
  const { clock, connection, latest } = setUp();
  connection.start();
  const minutes: number[] = [];
  const lose = async (livedMs: number) => {
    await settle();
    latest().opens();
    clock.advance(livedMs);
    latest().ends(4409, 'another publisher took over');
    const { state } = connection;
    const pause = state.kind === 'waiting' ? state.nextTryAt - clock.now() : Number.NaN;
    minutes.push(pause / 60_000);
    clock.advance(pause);
  };
  for (let i = 0; i < 8; i++) await lose(10_000);
  assert.deepEqual(minutes, [1, 2, 4, 8, 16, 32, 60, 60]);
  // It had the place for an hour: that fight is over.
  await lose(3_600_000);
  assert.equal(minutes.at(-1), 1);
  await connection.close();
});

test('an access address is posted with the raw token, and each try gets a new code', async () => {
  const calls: { url: string; token: string | undefined }[] = [];
  let n = 0;
  const { clock, connection, latest } = setUp({
    url: 'https://relay.example/session/x',
    token: () => 'secret',
    fetch: async (url, init) => {
      calls.push({ url, token: init.headers.Authorization });
      n += 1;
      return { ok: true, status: 200, text: async () => `{"uri":"wss://relay.example/session/x?code=${n}"}` };
    },
  });
  connection.start();
  await settle();
  assert.equal(latest().url, 'wss://relay.example/session/x?code=1');
  latest().ends(1006);
  clock.advance(1000);
  await settle();
  assert.equal(latest().url, 'wss://relay.example/session/x?code=2');
  assert.deepEqual(calls, Array(2).fill({ url: 'https://relay.example/session/x', token: 'secret' }));
});

test('to a WebSocket address the token goes as a subprotocol behind the others, and not in the address', async () => {
  const url = 'wss://relay.example/out/x';
  const secret = () => 'secret';
  for (const [options, offered] of [
    [{ url, token: secret, protocols: ['perch.1'] }, ['perch.1', 'bearer.secret']],
    [{ url, token: secret }, ['null', 'bearer.secret']],
    [{ url, token: () => undefined }, []],
    [{ url, protocols: ['perch.1'] }, ['perch.1']],
  ] as const) {
    const { connection, latest } = setUp(options);
    connection.start();
    await settle();
    assert.deepEqual([latest().url, latest().offered], [url, offered]);
    await connection.close();
  }
});

test('a token that cannot be in a handshake fails the dial, and is not repeated', async () => {
  const { connection } = setUp({ token: () => 'to ken' });
  connection.start();
  await settle();
  const { state } = connection;
  assert.match(state.kind === 'waiting' ? state.error.message : '', /cannot be in a WebSocket handshake/);
});

test("a refusal at the access address is reported in the server's words", async () => {
  const { connection, sockets } = setUp({
    url: 'https://relay.example/session/x',
    fetch: async () => ({ ok: false, status: 401, text: async () => '"Token Wrong Topic"' }),
  });
  connection.start();
  await settle();
  assert.equal(sockets.length, 0);
  assert.match(
    connection.state.kind === 'waiting' ? connection.state.error.message : '',
    /401.*Token Wrong Topic/,
  );
});

test('with a greeting the connection opens only after the answer is accepted', async () => {
  const { connection, latest } = setUp({
    greeting: {
      send: 'TOKEN',
      accept: (answer) => {
        if (answer !== 'welcome') throw new Error('denied');
      },
    },
  });
  connection.start();
  await settle();
  latest().opens();
  assert.deepEqual(latest().sent, ['TOKEN']);
  assert.equal(connection.state.kind, 'connecting');
  latest().says('welcome');
  assert.equal(connection.state.kind, 'open');
});

test('with a greeting a wrong answer closes and backs off', async () => {
  const { connection, latest } = setUp({
    greeting: {
      send: 'TOKEN',
      accept: () => {
        throw new Error('denied');
      },
    },
  });
  connection.start();
  await settle();
  latest().opens();
  latest().says('{"authorised":false}');
  assert.equal(connection.state.kind, 'waiting');
  assert.deepEqual(latest().closes, [1000]);
});

test('messages come as text or bytes, and stop with close', async () => {
  const { connection, latest } = setUp();
  const messages: unknown[] = [];
  connection.events.on('message', (message) => messages.push(message));
  connection.start();
  await settle();
  latest().opens();
  latest().says('text');
  latest().says(new Uint8Array([1, 2]).buffer);
  await connection.close('enough');
  latest().says('late');
  assert.deepEqual(messages, ['text', new Uint8Array([1, 2])]);
  assert.equal(await connection.closed, 'enough');
  assert.deepEqual(latest().closes, [1000]);
});

test('closing in the pause before the next try ends it for good', async () => {
  const { clock, connection, latest, sockets } = setUp();
  connection.start();
  await settle();
  latest().ends(1006);
  await connection.close();
  assert.equal(clock.pending, 0);
  assert.equal(sockets.length, 1);
});

test('an address that is no relay address is refused at the door', () => {
  assert.throws(() => setUp({ url: 'ftp://x/' }), /ftp:\/\/ is not ws/);
  assert.throws(() => setUp({ url: 'nonsense' }), /"nonsense" is not an address/);
  assert.throws(() => setUp({ url: 'ws://a:b@x/' }), /user name and password/);
});
