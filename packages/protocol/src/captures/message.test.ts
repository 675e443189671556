import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../errors.ts';
import {
  decodeFromDevice,
  decodeFromRelay,
  encodeCaptureMessage,
  type FromDevice,
  type FromRelay,
} from './message.ts';

const capture = { id: 'Zx9_-1', trigger: 'pir', timestamp: 1_795_000_000 } as const;
const sha256 = '0f'.repeat(32);
const offer = { type: 'offer', stream: 3, capture, segment: 0, extension: 'mp4', size: 5, sha256 } as const;

test('each message survives the wire', () => {
  const device: FromDevice[] = [
    offer,
    { type: 'withdraw', stream: 3 },
    { type: 'event', id: 'e1', event: { kind: 'alarm', timestamp: 5 } },
    { type: 'event', id: 'e2', event: { kind: 'alarm', timestamp: 5, capture, gpio: -1 } },
    { type: 'event', id: 'e3', event: { kind: 'end', capture, segments: 2 } },
    { type: 'event', id: 'e4', event: { kind: 'lost', capture, segment: 1, reason: 'no room' } },
  ];
  for (const message of device) assert.deepEqual(decodeFromDevice(encodeCaptureMessage(message)), message);
  const relay: FromRelay[] = [
    { type: 'hello', window: 8 * 1024 * 1024, streams: 8 },
    { type: 'send', stream: 3, offset: 0 },
    { type: 'received', stream: 3, offset: 5 },
    { type: 'persisted', stream: 3, sha256 },
    { type: 'again', stream: 3, reason: 'the hash differs' },
    { type: 'refused', stream: 3, reason: 'no room', after: 60_000 },
    { type: 'refused', stream: 3, reason: 'no room' },
    { type: 'noted', id: 'e1' },
  ];
  for (const message of relay) assert.deepEqual(decodeFromRelay(encodeCaptureMessage(message)), message);
});

test('a type of a later version is passed over, and an unknown field too', () => {
  assert.equal(decodeFromDevice('{"type":"dance"}'), undefined);
  assert.equal(decodeFromRelay('{"type":"toString"}'), undefined);
  assert.deepEqual(decodeFromDevice('{"type":"withdraw","stream":1,"more":2}'), {
    type: 'withdraw',
    stream: 1,
  });
});

test('damage is refused in words that name the field', () => {
  const refused = (decode: (text: string) => unknown, value: unknown, words: RegExp) =>
    assert.throws(
      () => decode(typeof value === 'string' ? value : JSON.stringify(value)),
      (error: ProtocolError) =>
        error instanceof ProtocolError && error.code === 'bad-capture-message' && words.test(error.message),
    );
  refused(decodeFromDevice, '{', /JSON object/);
  refused(decodeFromDevice, '[]', /JSON object/);
  refused(decodeFromDevice, '{}', /`type` must be a string/);
  refused(decodeFromDevice, `"${'x'.repeat(5000)}"`, /at most 4096 characters/);
  refused(decodeFromDevice, { ...offer, stream: -1 }, /`stream` of a offer message must be a whole number/);
  refused(decodeFromDevice, { ...offer, size: 0 }, /`size`/);
  refused(decodeFromDevice, { ...offer, segment: 1.5 }, /`segment`/);
  refused(decodeFromDevice, { ...offer, extension: '../x' }, /`extension`/);
  refused(decodeFromDevice, { ...offer, sha256: 'AB' }, /`sha256`/);
  refused(decodeFromDevice, { ...offer, capture: 'x' }, /`capture` of a offer message must be an object/);
  refused(decodeFromDevice, { ...offer, capture: { ...capture, id: '../../etc' } }, /`id` of a `capture`/);
  refused(decodeFromDevice, { ...offer, capture: { ...capture, trigger: 'x' } }, /one of pir, cap/);
  refused(decodeFromDevice, { type: 'event', id: 'e', event: { kind: 'x' } }, /`kind`/);
  refused(decodeFromRelay, { type: 'hello', window: 0, streams: 1 }, /`window`/);
  refused(decodeFromRelay, { type: 'send', stream: 1, offset: '0' }, /`offset`/);
  refused(decodeFromRelay, { type: 'refused', stream: 1 }, /`reason`/);
});

test('a reason is cut and carries no control characters into a log', () => {
  const reason = `${'a'.repeat(10)}\r\n\u001b[2J${'b'.repeat(600)}`;
  const message = decodeFromRelay(JSON.stringify({ type: 'again', stream: 1, reason }));
  assert.ok(message?.type === 'again');
  assert.ok(message.reason.length <= 500 && !/\p{Cc}/u.test(message.reason), message.reason);
});
