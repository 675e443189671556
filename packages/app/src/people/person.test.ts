import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowedOn, decodePeople, withChange } from './person.ts';

test('people are listed with the owners first', () => {
  const people = decodePeople([
    { id: '1', name: 'Zoe', role: 'guest' },
    { id: '2', name: 'Ben', role: 'member' },
    { id: '3', name: 'Anna', role: 'owner' },
    { id: '4', name: 'Adam', role: 'member' },
    { name: 'nobody' },
  ]);
  assert.deepEqual(
    people.map(({ name }) => name),
    ['Anna', 'Adam', 'Ben', 'Zoe'],
  );
});

test('a list for one device counts in place of that for all', () => {
  const [guest] = decodePeople([
    { id: '1', role: 'guest', permissions: { '*': ['view'], kitchen: ['talk'] } },
  ]);
  assert.ok(guest);
  assert.deepEqual(allowedOn(guest, 'kitchen'), ['talk']);
  assert.deepEqual(allowedOn(guest, 'garden'), ['view']);
});

test('a member without lists may everything, a guest nothing', () => {
  const [member, guest] = decodePeople([
    { id: '1', role: 'member' },
    { id: '2', role: 'guest' },
  ]);
  assert.ok(member && guest);
  assert.equal(allowedOn(member, 'kitchen').length, 6);
  assert.equal(allowedOn(guest, 'kitchen').length, 0);
});

test('a list that is given up gives way to that for all', () => {
  const [guest] = decodePeople([
    { id: '1', role: 'guest', permissions: { '*': ['view'], kitchen: ['talk'] } },
  ]);
  assert.ok(guest);
  assert.deepEqual(allowedOn(withChange(guest, { kitchen: null }), 'kitchen'), ['view']);
  assert.deepEqual(allowedOn(withChange(guest, { garden: ['listen'] }), 'kitchen'), ['talk']);
});
