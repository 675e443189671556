import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { explanationOf, soundInWords, stateInWords, statsInWords } from './words.ts';

test('each state is said in words', () => {
  const words = (state: Parameters<typeof stateInWords>[0]) => stateInWords(state, 1_000);
  assert.equal(words({ kind: 'idle' }), 'Paused');
  assert.equal(words({ kind: 'connecting', attempt: 2 }), 'Connecting…');
  assert.equal(words({ kind: 'waiting' }), 'Waiting for the sender…');
  assert.equal(words({ kind: 'live', sound: { kind: 'on' } }), 'Live');
  assert.equal(words({ kind: 'live', sound: { kind: 'none' } }), 'Live');
  assert.equal(words({ kind: 'live', sound: { kind: 'blocked' } }), 'Live, sound off');
  assert.equal(
    words({ kind: 'lost', reason: 'x', nextTryAt: millis(3_400) }),
    'Connection lost. Next try in 3 s',
  );
  assert.equal(words({ kind: 'refused', reason: 'x' }), 'Can’t be played');
});

test('a countdown never says zero', () => {
  assert.match(stateInWords({ kind: 'lost', reason: 'x', nextTryAt: millis(5) }, 1_000), / 1 s$/);
});

test('reasons are sentences', () => {
  assert.equal(
    explanationOf({ kind: 'lost', reason: 'the other side closed with 1001', nextTryAt: millis(0) }),
    'The other side closed with 1001.',
  );
  assert.equal(explanationOf({ kind: 'refused', reason: 'No. Do this:' }), 'No. Do this:');
  assert.equal(explanationOf({ kind: 'waiting' }), '');
});

test('the sound button says what it does', () => {
  assert.equal(soundInWords({ kind: 'on' }, false).label, 'Sound off');
  assert.equal(soundInWords({ kind: 'blocked' }, false).label, 'Sound on');
  assert.equal(soundInWords({ kind: 'unsupported', reason: 'AC-3' }, false).title, 'AC-3');
});

test('figures that are not known are said so', () => {
  const rows = new Map(
    statsInWords({
      latencyMs: undefined,
      bufferMs: 12.4,
      targetMs: 6,
      rate: 1,
      framesDecoded: 1,
      framesShown: 1,
      framesDropped: 0,
      framesPerSecond: 29.7,
      width: 640,
      height: 480,
      videoCodec: 'h264',
      audioCodec: 'aac',
      transport: 'websocket',
      kbitPerSecond: 900,
      roundTripMs: undefined,
      messagesDropped: 0,
      damaged: 0,
      soundLevel: 0,
      soundUnderruns: 0,
      soundSkippedMs: 0,
      reconnects: 0,
      firstPictureMs: 1,
    }),
  );
  assert.equal(rows.get('Latency'), 'unknown');
  assert.equal(rows.get('Buffer'), '12 ms, at least 6 ms');
  assert.equal(rows.get('Codec'), 'H.264 + AAC');
});
