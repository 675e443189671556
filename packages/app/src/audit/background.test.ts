import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backgroundOf } from './background.ts';

const from = '192.0.2.7';
const user = { kind: 'user', id: 'u', name: 'Anna' };
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

test('a browser is named, and ids of sessions are left out', () => {
  assert.deepEqual(
    backgroundOf({ who: user, from, detail: `by passkey Phone; session 0a1b2c; ${firefox}` }),
    [from, 'by passkey Phone', 'Firefox on Linux'],
  );
});

test("times are the reader's", () => {
  const at = new Date(2026, 10, 22, 12, 10).toISOString();
  assert.deepEqual(backgroundOf({ who: user, from, detail: `invite 5b72aa for Tom: view, until ${at}` }), [
    from,
    'for Tom: view, until 22 November 2026, 12:10',
  ]);
});

test('a guest came by a shared link, and the machine itself has no address', () => {
  const guest = { kind: 'invite', id: 'i', name: 'Tom' };
  assert.deepEqual(backgroundOf({ who: guest, from: 'here', detail: undefined }), [
    'by a shared link',
    'on the relay itself',
  ]);
});
