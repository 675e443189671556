import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeInvites } from './invite.ts';

test('links are read with what they open and until when', () => {
  const [invite, call] = decodeInvites([
    {
      id: 'i1',
      for: 'Tom',
      topic: 'kitchen-x7k2/camera',
      permissions: ['view', 'levitate'],
      expires: '2026-11-22T10:00:00.000Z',
      once: true,
    },
    { id: 'i2', for: 'Eva', device: 'kitchen-x7k2', call: true, permissions: [] },
    { for: 'nobody' },
  ]);
  assert.deepEqual(invite, {
    id: 'i1',
    for: 'Tom',
    topic: 'kitchen-x7k2/camera',
    device: undefined,
    capture: undefined,
    isCall: false,
    permissions: ['view'],
    expires: Date.UTC(2026, 10, 22, 10),
    once: true,
    lastOpened: undefined,
  });
  assert.equal(call?.isCall, true);
});
