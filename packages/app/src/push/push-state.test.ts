import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePush } from './push-state.ts';

test('what a relay says of pushes is understood', () => {
  const quiet = { from: '22:30', to: '06:00', zone: 'Europe/Zurich', days: [1, 2], alarms: true };
  const state = decodePush({
    ...{ publicKey: 'BAAA', quiet },
    subscription: { endpoint: 'https://push.example/1', until: '2026-12-21T00:00:00Z', problem: null },
    devices: [
      { id: 'porch', name: 'Porch', send: 'alarms' },
      { id: 'yard', name: 'Yard', send: 'whatever a newer relay knows' },
    ],
  });
  assert.deepEqual(state.quiet, quiet);
  assert.equal(state.subscription?.until, Date.UTC(2026, 11, 21));
  assert.equal(state.subscription?.problem, undefined);
  assert.deepEqual(
    state.devices.map(({ send }) => send),
    ['alarms', 'all'],
  );
});

test('a relay that says nothing of it sends nothing', () => {
  assert.deepEqual(decodePush(null), {
    ...{ publicKey: '', subscription: undefined, quiet: undefined, devices: [] },
  });
});
