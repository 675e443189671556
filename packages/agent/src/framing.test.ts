import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@perch/protocol';
import fc from 'fast-check';
import { framingOf, perch1, raw } from './framing.ts';

const message = (text: boolean) => ({
  bytes: Buffer.from('abc'),
  text,
  mark: { randomAccess: true, class: 'video', capturedAt: 1_700_000_000_000_000 } as const,
  sequence: 7,
  from: undefined,
});

test('raw carries text as text and bytes as bytes', () => {
  for (const text of [true, false]) {
    const { data, binary } = raw.encode(message(text));
    assert.deepEqual([Buffer.from(data).toString(), binary], ['abc', !text]);
    const back = raw.decode(data, binary, 5);
    assert.equal(back.kind === 'message' && back.message.text, text);
  }
});

test('perch.1 carries mark and text through its header', () => {
  for (const text of [true, false]) {
    const { data, binary } = perch1.encode(message(text));
    assert.equal(binary, true);
    const { sequence: _s, from: _f, ...sent } = message(text);
    const back = perch1.decode(data, binary, 0);
    assert.equal(back.kind, 'message');
    if (back.kind !== 'message') return;
    assert.deepEqual({ ...back.message, bytes: Buffer.from(back.message.bytes) }, sent);
  }
});

test('a perch.1 ping is answered with its time and ours, what else it says is told', () => {
  const say = (text: string) => perch1.decode(Buffer.from(text), false, 42);
  assert.deepEqual(say('{"type":"ping","t":7}'), { kind: 'answer', text: '{"type":"pong","t":7,"now":42}' });
  const watched = { type: 'watched', viewers: 1 };
  assert.deepEqual(say(JSON.stringify(watched)), { kind: 'told', control: watched });
  assert.deepEqual(say('{"type":"of-a-later-version"}'), { kind: 'nothing' });
});

test('whatever a perch.1 peer sends, it is understood or a ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.boolean(), (bytes, binary) => {
      try {
        perch1.decode(bytes, binary, 0);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
  );
});

test('the framing is what the handshake chose', () => {
  assert.equal(framingOf('perch.1'), perch1);
  for (const protocol of ['', 'null']) assert.equal(framingOf(protocol), raw);
});
