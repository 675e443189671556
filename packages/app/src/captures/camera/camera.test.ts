import assert from 'node:assert/strict';
import { test } from 'node:test';
import { armedWords, decodeCamera, stepsOf } from './camera.ts';

const asked = '2026-11-21T14:02:05.000Z';

test('a camera is understood, the newest command first', () => {
  const camera = decodeCamera({
    armed: { wanted: true, known: null, by: 'the schedule', at: asked },
    problem: 'nobody listens',
    schedule: null,
    last: [
      {
        id: 'c1',
        command: 'capture',
        by: 'Ben',
        asked: '2026-11-21T13:00:00Z',
        failed: 'nobody listens',
      },
      {
        id: 'c2',
        command: 'arm',
        by: 'Anna',
        asked,
        delivered: null,
        handed: null,
        failed: null,
      },
      { id: 'c3', command: 'dance', asked },
    ],
  });
  assert.equal(camera.wanted, true);
  assert.equal(camera.known, undefined);
  assert.equal(camera.schedule, undefined);
  assert.equal(camera.by, 'the schedule');
  assert.equal(camera.problem, 'nobody listens');
  assert.equal(camera.last[0]?.by, 'Anna');
  assert.deepEqual(
    camera.last.map(({ id, failed }) => [id, failed]),
    [
      ['c2', undefined],
      ['c1', 'nobody listens'],
    ],
  );
});

test('what a camera is to be is not said to be what it is', () => {
  const camera = (wanted: boolean | null, known: boolean | null) =>
    decodeCamera({ armed: { wanted, known } });
  assert.equal(armedWords(camera(true, true), true).word, 'Armed');
  assert.equal(armedWords(camera(false, false), true).word, 'Disarmed');
  assert.equal(armedWords(camera(true, false), true).word, 'Arming …');
  assert.equal(armedWords(camera(null, null), true).word, 'Not known');
  const stuck = { ...camera(true, null), problem: 'nobody listens at 127.0.0.1:9001' };
  assert.equal(armedWords(stuck, true).word, 'Not armed');
  const away = armedWords(camera(true, false), false);
  assert.equal(away.word, 'Disarmed');
  assert.match(away.hint, /armed as soon as the device is back/);
});

test('a command is with the camera only when it was handed over', () => {
  const { last } = decodeCamera({ last: [{ id: 'c', command: 'arm', asked, delivered: asked }] });
  assert.ok(last[0]);
  const done = stepsOf(last[0]).filter(({ at }) => at !== undefined);
  assert.deepEqual(
    done.map(({ word }) => word),
    ['Asked', 'On the device'],
  );
});
