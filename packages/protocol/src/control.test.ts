import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Control, decodeControl, encodeControl } from './control.ts';
import { ProtocolError } from './errors.ts';
import { decodeSessionAnswer } from './session.ts';

test('each control message survives the wire', () => {
  const all: Control[] = [
    { type: 'hello', topic: 'x', now: 1 },
    { type: 'waiting' },
    { type: 'live' },
    { type: 'dropped', messages: 2, bytes: 3 },
    { type: 'watched', viewers: 4 },
    { type: 'standby' },
    { type: 'replaced' },
    { type: 'ping', t: 5 },
    { type: 'pong', t: 5, now: 6 },
  ];
  for (const control of all) assert.deepEqual(decodeControl(encodeControl(control)), control);
});

test('a type of a later version is passed over', () => {
  assert.equal(decodeControl('{"type":"dance"}'), undefined);
  assert.equal(decodeControl('{"type":"toString"}'), undefined);
});

test('damage is refused in words', () => {
  for (const [text, words] of [
    ['{', /JSON object/],
    ['[]', /JSON object/],
    ['null', /JSON object/],
    ['{}', /`type` must be a string/],
    ['{"type":"ping","t":"1"}', /`t` of a ping message must be a number/],
    ['{"type":"hello","now":1}', /`topic` of a hello/],
  ] as const) {
    assert.throws(
      () => decodeControl(text),
      (error: ProtocolError) => error instanceof ProtocolError && words.test(error.message),
      text,
    );
  }
});

test('a session answer is a WebSocket address', () => {
  assert.deepEqual(decodeSessionAnswer({ uri: 'wss://x/session/y?code=1', more: 1 }), {
    uri: 'wss://x/session/y?code=1',
  });
  for (const value of [null, 'x', {}, { uri: 5 }, { uri: 'https://x' }]) {
    assert.throws(() => decodeSessionAnswer(value), /no `uri`/);
  }
});
