import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { channelLimits, type RelayMessage, type RequestBody } from '@perch/protocol';
import { millis } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { refusalOf } from './refusal.ts';
import { Requests, type Way } from './requests.ts';

const put: RequestBody = { kind: 'streams.put', rule: { stream: 'stream/a', feeds: ['v'] } };
const command: RequestBody = { kind: 'command', command: 'arm' };

/** An agent's end: what it was sent, as `request 1`, and whether it takes more. */
class FakeWay implements Way {
  readonly sent: RelayMessage[] = [];
  isFull = false;

  send(message: RelayMessage): void {
    this.sent.push(message);
  }

  get said(): string[] {
    return this.sent.map((message) => ('id' in message ? `${message.type} ${message.id}` : message.type));
  }
}

function connected(requests: Requests, boot = 'one'): FakeWay {
  const way = new FakeWay();
  requests.meet(boot);
  requests.resume(way);
  return way;
}

describe('a request to a device', () => {
  it('is answered by the agent, once, whatever else comes', async () => {
    const requests = new Requests({ clock: new FakeClock() });
    const way = connected(requests);
    const answer = requests.ask(put);
    assert.equal(requests.take({ type: 'begun', id: 1 }), true);
    assert.equal(requests.take({ type: 'result', id: 1, value: 'done' }), true);
    assert.equal(
      requests.take({ type: 'result', id: 1, value: 'again' }),
      false,
      'nobody waits for it any more',
    );
    assert.equal(requests.take({ type: 'result', id: 7, value: 'never asked' }), false);
    assert.deepEqual(await answer, { kind: 'done', value: 'done' });
    assert.deepEqual(way.said, ['request 1', 'heard 1', 'heard 1']);
    assert.equal(requests.pending, 0);
  });

  it('is known to be with the agent before it is answered', () => {
    const requests = new Requests({ clock: new FakeClock() });
    connected(requests);
    let begun = 0;
    void requests.ask(command, { onBegun: () => void begun++ });
    requests.take({ type: 'about', id: 1, is: 'not-begun' });
    assert.equal(begun, 0);
    requests.take({ type: 'begun', id: 1 });
    assert.equal(begun, 1);
  });

  it('gets the agent’s own status and words where it is refused', async () => {
    const requests = new Requests({ clock: new FakeClock() });
    connected(requests);
    const answer = requests.ask(put);
    const error = { status: 409, code: 'read-only', message: 'change it there' };
    requests.take({ type: 'result', id: 1, error });
    const failed = await answer;
    assert.deepEqual(failed, { kind: 'failed', error });
    assert.deepEqual(refusalOf(failed as { kind: 'failed'; error: typeof error }), {
      code: 409,
      message: 'change it there',
    });
  });

  it('says how long it has left, not when it ends: the two clocks need not agree', async () => {
    const clock = new FakeClock();
    const requests = new Requests({ clock });
    const way = connected(requests);
    void requests.ask(put, { within: millis(8_000) });
    requests.pause(way);
    clock.advance(3_000);
    const next = connected(requests);
    const within = [...way.sent, ...next.sent].map((message) => 'within' in message && message.within);
    assert.deepEqual(within, [8_000, 5_000]);
    requests.close();
  });

  it('is answered at its deadline at the latest, also while the device is away', async () => {
    const clock = new FakeClock();
    const requests = new Requests({ clock });
    const way = connected(requests);
    const [first, second] = [requests.ask(put), requests.ask(command)];
    requests.pause(way);
    clock.advance(channelLimits.requestTime);
    assert.deepEqual([await first, await second], [{ kind: 'unknown' }, { kind: 'unknown' }]);
    assert.deepEqual(connected(requests).said, [], 'and is not sent after that');
    assert.equal(clock.pending, 0);
  });

  it('is refused at once where nobody is connected, or too much waits', async () => {
    const requests = new Requests({ clock: new FakeClock() });
    assert.deepEqual(await requests.ask(put), { kind: 'offline' });
    const way = connected(requests);
    way.isFull = true;
    assert.deepEqual(await requests.ask(put), { kind: 'busy' });
    way.isFull = false;
    const waiting = Array.from({ length: channelLimits.requests }, () => requests.ask(put));
    assert.deepEqual(await requests.ask(put), { kind: 'busy' });
    requests.close();
    assert.deepEqual(new Set((await Promise.all(waiting)).map(({ kind }) => kind)), new Set(['unknown']));
  });

  it('is bounded together with the others by what they hold', async () => {
    const requests = new Requests({ clock: new FakeClock() });
    connected(requests);
    const large: RequestBody = { kind: 'streams.put', rule: 'x'.repeat(1_000_000) };
    const waiting = [1, 2, 3].map(() => requests.ask(large));
    assert.deepEqual(await requests.ask(large), { kind: 'busy' });
    assert.equal(requests.pending, 3);
    requests.close();
    await Promise.all(waiting);
    connected(requests);
    const tooLarge = await requests.ask({ kind: 'streams.put', rule: 'x'.repeat(4_000_000) });
    assert.ok(tooLarge.kind === 'failed' && tooLarge.error.status === 413);
  });

  it('is never sent where the agent could not read it: that would end the connection, again and again', async () => {
    const requests = new Requests({ clock: new FakeClock() });
    const way = connected(requests);
    const deep = JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) as unknown;
    for (const body of [
      { kind: 'streams.put', rule: deep },
      { kind: 'streams.show', name: 'x'.repeat(5_000) },
      { kind: 'relays.move', relays: Array(100).fill('https://relay.example') },
    ] as const satisfies RequestBody[]) {
      const answer = await requests.ask(body);
      assert.ok(answer.kind === 'failed' && answer.error.status === 400, body.kind);
    }
    assert.deepEqual(way.said, []);
  });
});

describe('after a reconnect', () => {
  it('what may be repeated is sent again, and of the rest the agent is asked', () => {
    const requests = new Requests({ clock: new FakeClock() });
    const way = connected(requests);
    void requests.ask(put);
    void requests.ask(command);
    requests.pause(way);
    assert.deepEqual(connected(requests).said, ['request 1', 'ask 2']);
    requests.close();
  });

  it('what never began is sent again, what was forgotten is not: nobody knows', async () => {
    const requests = new Requests({ clock: new FakeClock() });
    const way = connected(requests);
    const [lost, done, begun, forgotten] = [command, command, command, command].map((body) =>
      requests.ask(body),
    );
    requests.pause(way);
    const next = connected(requests);
    requests.take({ type: 'about', id: 1, is: 'not-begun' });
    requests.take({ type: 'result', id: 2, value: 2 });
    requests.take({ type: 'about', id: 3, is: 'begun' });
    requests.take({ type: 'about', id: 4, is: 'forgotten' });
    assert.deepEqual(next.said, ['ask 1', 'ask 2', 'ask 3', 'ask 4', 'request 1', 'heard 2']);
    assert.deepEqual(await done, { kind: 'done', value: 2 });
    assert.deepEqual(await forgotten, { kind: 'unknown' });
    requests.take({ type: 'result', id: 1, value: 1 });
    requests.take({ type: 'result', id: 3, value: 3 });
    assert.deepEqual(
      [await lost, await begun],
      [
        { kind: 'done', value: 1 },
        { kind: 'done', value: 3 },
      ],
    );
  });

  it('another start of the agent is told that earlier requests were not for it', () => {
    const requests = new Requests({ clock: new FakeClock() });
    assert.equal(requests.meet('one'), 0);
    requests.resume(new FakeWay());
    void requests.ask(put);
    void requests.ask(put);
    assert.equal(requests.meet('one'), 0);
    assert.equal(requests.meet('two'), 2);
    void requests.ask(put);
    assert.equal(requests.meet('one'), 3, 'of what the other one got the first knows nothing');
    requests.close();
  });
});
