import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AgentMessage, channelLimits, type RequestBody } from '@perch/protocol';
import { silentLogger } from '@perch/runtime';
import { type Asked, RequestError, Session } from './session.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const LONG = 10_000;

/** A session whose actions end when the test says so, and what it said. */
function setUp(foreign = 0) {
  const begun: {
    readonly body: RequestBody;
    readonly end: (value: unknown) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  const session = new Session({
    perform: (body) => new Promise((end, fail) => begun.push({ body, end, fail })),
    logger: silentLogger,
  });
  const open = () => {
    const said: AgentMessage[] = [];
    const { take, close } = session.open(foreign, (message) => said.push(message));
    const brief = () =>
      said.map((message) => {
        if (message.type === 'about') return `about ${message.id} ${message.is}`;
        if (message.type === 'result')
          return `result ${message.id} ${'error' in message ? message.error.code : message.value}`;
        return message.type === 'begun' ? `begun ${message.id}` : message.type;
      });
    return { said, brief, take, close };
  };
  return { session, begun, open };
}

const capture = (id: number, within = LONG): Asked => ({
  type: 'request',
  id,
  within,
  kind: 'command',
  command: 'capture',
});
const list = (id: number): Asked => ({ type: 'request', id, within: LONG, kind: 'streams.list' });

describe('a request', () => {
  it('is acknowledged, done, answered, and forgotten in part when the answer was heard', async () => {
    const { session, begun, open } = setUp();
    const line = open();
    line.take(capture(1));
    assert.deepEqual(line.brief(), ['begun 1']);
    begun[0]?.end('filmed');
    await turn();
    assert.deepEqual(line.brief(), ['begun 1', 'result 1 filmed']);
    let isSettled = false;
    session.whenSettled(() => {
      isSettled = true;
    });
    assert.equal(isSettled, false, 'the relay may not have the answer');
    line.take({ type: 'heard', id: 1 });
    assert.equal(isSettled, true);
  });

  it('that comes twice is done once, and answered each time', async () => {
    const { begun, open } = setUp();
    const line = open();
    line.take(capture(1));
    line.take(capture(1));
    begun[0]?.end('filmed');
    await turn();
    line.take(capture(1));
    assert.equal(begun.length, 1);
    assert.deepEqual(line.brief(), ['begun 1', 'about 1 begun', 'result 1 filmed', 'result 1 filmed']);
  });

  it('whose connection broke is answered on the next one', async () => {
    const { begun, open } = setUp();
    const first = open();
    first.take(capture(1));
    first.take(capture(2));
    first.close();
    begun[0]?.end('filmed');
    await turn();
    const second = open();
    first.take(capture(3));
    for (const id of [1, 2, 3]) second.take({ type: 'ask', id });
    assert.deepEqual(second.brief(), ['result 1 filmed', 'about 2 begun', 'about 3 not-begun']);
    begun[1]?.end('too');
    await turn();
    assert.deepEqual(second.brief().slice(3), ['result 2 too']);
    assert.equal(first.said.length, 2, 'what a line of the past says or hears does not count');
  });

  it('of before this start is unknown: a command is not done, what may be repeated is', () => {
    const { begun, open } = setUp(5);
    const line = open();
    line.take({ type: 'ask', id: 5 });
    line.take(capture(4));
    line.take(list(3));
    line.take({ type: 'ask', id: 6 });
    assert.deepEqual(line.brief(), [
      'about 5 forgotten',
      'about 4 forgotten',
      'begun 3',
      'about 6 not-begun',
    ]);
    assert.equal(begun.length, 1);
  });

  it('that comes after its deadline, or of a kind to come, is answered and not done', () => {
    const { begun, open } = setUp();
    const line = open();
    line.take(capture(1, 0));
    line.take({ type: 'request', id: 2, within: LONG, kind: 'unknown', named: 'dance' });
    assert.deepEqual(line.brief(), ['result 1 too-late', 'result 2 unsupported']);
    assert.equal(begun.length, 0);
  });

  it('that fails says why: in words of its own, or that the mistake is ours', async () => {
    const { begun, open } = setUp();
    const line = open();
    line.take(capture(1));
    line.take(capture(2));
    begun[0]?.fail(new RequestError({ status: 409, code: 'read-only', message: 'no' }));
    begun[1]?.fail(new TypeError('oops'));
    await turn();
    assert.deepEqual(line.brief().slice(2), ['result 1 read-only', 'result 2 internal']);
  });

  it('is one of at most so many at once', () => {
    const { begun, open } = setUp();
    const line = open();
    for (let id = 1; id <= channelLimits.requests + 1; id++) line.take(capture(id));
    assert.equal(begun.length, channelLimits.requests);
    assert.equal(line.brief().at(-1), `result ${channelLimits.requests + 1} busy`);
  });
});

describe('what is remembered', () => {
  it('is bounded in number: the oldest is forgotten first, and what is being done never', async () => {
    const { begun, open } = setUp();
    const line = open();
    line.take(capture(1));
    for (let id = 2; id <= channelLimits.remembered + 3; id++) {
      line.take(capture(id));
      begun.at(-1)?.end(id);
      await turn();
    }
    const asked = [1, 2, 3, 4].map((id) => ({ type: 'ask', id }) as const);
    const before = line.said.length;
    for (const ask of asked) line.take(ask);
    assert.deepEqual(line.brief().slice(before), [
      'about 1 begun',
      'about 2 forgotten',
      'about 3 forgotten',
      'result 4 4',
    ]);
  });

  it('is bounded in size, and an answer that no message can hold is none', async () => {
    const { begun, open } = setUp();
    const line = open();
    const large = 'x'.repeat(1_300_000);
    for (let id = 1; id <= 10; id++) {
      line.take(capture(id));
      begun.at(-1)?.end(large);
    }
    line.take(capture(11));
    begun.at(-1)?.end('x'.repeat(channelLimits.messageBytes));
    await turn();
    assert.equal(line.brief().at(-1), 'result 11 too-large');
    const kept = Array.from({ length: 10 }, (_, i) => i + 1).filter((id) => {
      const before = line.said.length;
      line.take({ type: 'ask', id });
      return line.said[before]?.type === 'result';
    });
    assert.deepEqual(kept, [5, 6, 7, 8, 9, 10], 'eight million characters');
    line.take({ type: 'heard', id: 10 });
  });
});
