import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProtocolError } from '../errors.ts';
import {
  type AgentMessage,
  channelLimits,
  decodeAgentMessage,
  decodeRelayMessage,
  encodeChannel,
  isRequestKind,
  type RelayMessage,
  type RequestBody,
  requestKinds,
} from './index.ts';

const fromAgent: AgentMessage[] = [
  { type: 'hello', boot: 'b', software: 'perch/1', now: 1.5 },
  { type: 'begun', id: 1 },
  { type: 'result', id: 1, value: { streams: [1, null, 'x'] } },
  { type: 'result', id: 1, value: null },
  { type: 'result', id: 1, error: { status: 409, code: 'read-only', message: 'change it there' } },
  { type: 'about', id: 1, is: 'begun' },
  { type: 'about', id: 1, is: 'not-begun' },
  { type: 'about', id: 1, is: 'forgotten' },
  { type: 'state', changes: {} },
  {
    type: 'state',
    changes: {
      feeds: { set: [{ feed: 'v', bitRate: 1 }], gone: ['w'] },
      streams: { set: [{ stream: 'stream/x', tracks: [{ pid: 256 }] }] },
      destinations: { gone: ['0'] },
      sources: { set: [{ source: 'demo', lastError: null }] },
      leftOut: 3,
    },
  },
];

const bodies: RequestBody[] = [
  { kind: 'streams.list' },
  { kind: 'streams.show', name: 'stream/x' },
  { kind: 'streams.put', rule: { stream: 'stream/x', feeds: ['v'] } },
  { kind: 'streams.delete', name: 'all' },
  { kind: 'destinations.list' },
  { kind: 'destinations.show', name: '0' },
  { kind: 'destinations.put', rule: null },
  { kind: 'destinations.delete', name: '' },
  { kind: 'feeds.list' },
  { kind: 'feeds.show', name: 'v' },
  { kind: 'feeds.put', rule: 'any' },
  { kind: 'feeds.delete', name: 'v' },
  { kind: 'motion.list' },
  { kind: 'motion.show', name: 'v' },
  { kind: 'motion.put', rule: { feed: 'v', isOn: true } },
  { kind: 'motion.delete', name: 'v' },
  { kind: 'relays.move', relays: ['https://relay.example'] },
  { kind: 'command', command: 'arm' },
];

const fromRelay: RelayMessage[] = [
  { type: 'welcome', session: 's', device: 'kitchen-x7k2', foreign: 0, now: 1 },
  ...bodies.map((body, i): RelayMessage => ({ type: 'request', id: i + 1, within: 9_999.5, ...body })),
  { type: 'ask', id: 7 },
  { type: 'heard', id: 7 },
  { type: 'watch', someone: true },
  { type: 'rival', from: '10.0.0.1' },
  { type: 'replaced', from: '10.0.0.1' },
];

test('each message survives the wire, in both directions', () => {
  for (const message of fromAgent) assert.deepEqual(decodeAgentMessage(encodeChannel(message)), message);
  for (const message of fromRelay) assert.deepEqual(decodeRelayMessage(encodeChannel(message)), message);
});

test('each kind of request is declared as one that may be repeated, or not, and is decoded', () => {
  const decoded = new Set(bodies.map(({ kind }) => kind));
  assert.deepEqual([...decoded].sort(), Object.keys(requestKinds).sort());
  assert.equal(requestKinds.command, 'at-most-once');
  assert.equal(isRequestKind('toString'), false);
});

test('what a later version says is passed over, but a request of a kind to come is handed on to be refused', () => {
  assert.equal(decodeAgentMessage('{"type":"dance"}'), undefined);
  assert.equal(decodeRelayMessage('{"type":"__proto__"}'), undefined);
  assert.deepEqual(decodeRelayMessage('{"type":"request","id":1,"within":5,"kind":"toString","name":7}'), {
    type: 'request',
    id: 1,
    within: 5,
    kind: 'unknown',
    named: 'toString',
  });
});

test('damage is refused in words that name it', () => {
  const deep = `${'['.repeat(1_000)}${']'.repeat(1_000)}`;
  const refusals: [decode: (text: string) => unknown, text: string, words: RegExp][] = [
    [decodeAgentMessage, '{', /JSON object/],
    [decodeAgentMessage, '[]', /JSON object/],
    [decodeAgentMessage, '{}', /`type` must be a string/],
    [decodeAgentMessage, '{"type":"begun"}', /`id` of a message `begun` must be a whole number/],
    [decodeAgentMessage, '{"type":"begun","id":-1}', /`id`/],
    [decodeAgentMessage, '{"type":"begun","id":0.5}', /`id`/],
    [decodeAgentMessage, '{"type":"result","id":1}', /`value` .* must be there/],
    [
      decodeAgentMessage,
      '{"type":"result","id":1,"error":{"status":200,"code":"a","message":"b"}}',
      /400 to 599/,
    ],
    [decodeAgentMessage, '{"type":"about","id":1,"is":"lost"}', /one of begun, not-begun, forgotten/],
    [decodeAgentMessage, '{"type":"state","changes":{"feeds":{"set":[{"feed":7}]}}}', /`changes`/],
    [decodeAgentMessage, '{"type":"state","changes":{"feeds":{"set":[{"stream":"x"}]}}}', /`changes`/],
    [decodeAgentMessage, '{"type":"state","changes":{"feeds":[]}}', /`changes`/],
    [decodeAgentMessage, '{"type":"state","changes":{"leftOut":-1}}', /`changes`/],
    [decodeAgentMessage, `{"type":"result","id":1,"value":${deep}}`, /nested deeper/],
    [
      decodeRelayMessage,
      `{"type":"request","id":1,"within":1,"kind":"streams.put","rule":${deep}}`,
      /nested deeper/,
    ],
    [decodeRelayMessage, '{"type":"request","id":1,"within":1,"kind":"streams.put"}', /`rule`/],
    [decodeRelayMessage, '{"type":"request","id":1,"within":1,"kind":"streams.show"}', /`name`/],
    [decodeRelayMessage, '{"type":"request","id":1,"within":null,"kind":"streams.list"}', /`within`/],
    [
      decodeRelayMessage,
      '{"type":"request","id":1,"within":1,"kind":"command","command":"shoot"}',
      /arm, disarm/,
    ],
    [decodeRelayMessage, '{"type":"watch","someone":1}', /true or false/],
  ];
  for (const [decode, text, words] of refusals) {
    assert.throws(
      () => decode(text),
      (error) =>
        error instanceof ProtocolError && error.code === 'bad-agent-message' && words.test(error.message),
      text.slice(0, 100),
    );
  }
});

/** Decodes as a peer does: what is no message must be refused as that, and nothing else may happen. */
function takes(decode: (text: string) => unknown, text: string): void {
  try {
    decode(text);
  } catch (error) {
    assert.ok(error instanceof ProtocolError, `${text.slice(0, 200)}: ${String(error)}`);
  }
}

test('whatever text comes, it is decoded or refused, and never ends a process', () => {
  const both = (text: string) => {
    takes(decodeAgentMessage, text);
    takes(decodeRelayMessage, text);
  };
  fc.assert(fc.property(fc.string(), both), { numRuns: 2_000 });
  fc.assert(fc.property(fc.json({ maxDepth: 6 }), both), { numRuns: 2_000 });
  both('['.repeat(channelLimits.messageBytes));
  both(`{"type":"result","id":1,"value":${'['.repeat(200_000)}${']'.repeat(200_000)}}`);
});

test('a message that was bent is decoded or refused, and what is decoded can be written again', () => {
  const texts = [...fromAgent, ...fromRelay].map(encodeChannel);
  const bent = fc
    .tuple(fc.constantFrom(...texts), fc.nat(), fc.nat(40), fc.oneof(fc.string({ maxLength: 8 }), fc.json()))
    .map(([text, at, cut, put]) => {
      const from = at % text.length;
      return text.slice(0, from) + put + text.slice(from + cut);
    });
  fc.assert(
    fc.property(bent, (text) => {
      takes(decodeAgentMessage, text);
      takes(decodeRelayMessage, text);
    }),
    { numRuns: 5_000 },
  );
  const field = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.json(), fc.constant(null));
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.string(), field, fc.nat(), (text, key, value, which) => {
      const message = JSON.parse(text) as Record<string, unknown>;
      const keys = Object.keys(message);
      message[keys[which % keys.length] ?? key] = value;
      const changed = JSON.stringify(message);
      for (const decode of [decodeAgentMessage, decodeRelayMessage]) {
        takes((each) => {
          const decoded = decode(each);
          if (decoded && decoded.type !== 'request') {
            assert.deepEqual(decode(encodeChannel(decoded)), JSON.parse(JSON.stringify(decoded)));
          }
        }, changed);
      }
    }),
    { numRuns: 5_000 },
  );
});
