import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMe, hasNoKey, may, mayAnywhere, mayLookAround } from './me.ts';

test('whoever is signed in is read whole', () => {
  const me = decodeMe({
    id: 'u1',
    name: 'Anna',
    role: 'owner',
    household: { id: 'h1', name: 'home' },
    hasPassword: true,
    passkeys: [{ id: 'k', name: 'Phone', created: '2026-11-21T10:00:00Z', lastUsed: null }],
    permissions: { '*': ['view', 'fly'] },
  });
  assert.equal(me.name, 'Anna');
  assert.equal(me.invite, undefined);
  assert.deepEqual(me.passkeys, [
    { id: 'k', name: 'Phone', created: Date.UTC(2026, 10, 21, 10), lastUsed: undefined },
  ]);
  assert.deepEqual(me.permissions, { '*': ['view'] });
});

test('a role that is not known is that of a guest', () => {
  assert.equal(decodeMe({ role: 'emperor' }).role, 'guest');
});

test('an owner may everything, a member what was not taken away, a guest what was given', () => {
  assert.ok(may({ role: 'owner', permissions: {} }, 'talk', 'kitchen'));
  assert.ok(may({ role: 'member', permissions: {} }, 'talk', 'kitchen'));
  assert.ok(!may({ role: 'member', permissions: { kitchen: ['view'] } }, 'talk', 'kitchen'));
  assert.ok(!may({ role: 'guest', permissions: {} }, 'view', 'kitchen'));
  assert.ok(may({ role: 'guest', permissions: { '*': ['view'] } }, 'view', 'kitchen'));
});

test('what is given for one device may be done somewhere', () => {
  assert.ok(mayAnywhere({ role: 'owner', permissions: {} }, 'captures'));
  assert.ok(mayAnywhere({ role: 'member', permissions: {} }, 'captures'));
  assert.ok(mayAnywhere({ role: 'guest', permissions: { kitchen: ['view', 'captures'] } }, 'captures'));
  assert.ok(!mayAnywhere({ role: 'guest', permissions: { kitchen: ['view'] } }, 'captures'));
  assert.ok(!mayAnywhere({ role: 'member', permissions: { '*': ['view'] } }, 'captures'));
});

test('who came by an invite does not look around', () => {
  assert.ok(!mayLookAround(decodeMe({ role: 'member', invite: { for: 'Tom' } })));
  assert.ok(mayLookAround(decodeMe({ role: 'member' })));
});

test('who came by a link and has neither password nor passkey has no way back', () => {
  assert.ok(hasNoKey(decodeMe({ role: 'owner' })));
  assert.ok(!hasNoKey(decodeMe({ role: 'owner', hasPassword: true })));
  assert.ok(!hasNoKey(decodeMe({ role: 'owner', passkeys: [{ id: 'k' }] })));
  assert.ok(!hasNoKey(decodeMe({ invite: { id: 'i', for: 'Tom' } })), 'a guest needs none');
});
