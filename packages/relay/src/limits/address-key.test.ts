import assert from 'node:assert/strict';
import { it } from 'node:test';
import { addressKey } from './address-key.ts';

it('an IPv4 address stands for itself, also in the clothes of IPv6', () => {
  assert.equal(addressKey('203.0.113.9'), '203.0.113.9');
  assert.equal(addressKey('::ffff:203.0.113.9'), '203.0.113.9');
  assert.notEqual(addressKey('203.0.113.10'), addressKey('203.0.113.9'));
});

it('an IPv6 address stands for its /64', () => {
  assert.equal(addressKey('2001:db8:1:2:3:4:5:6'), addressKey('2001:db8:1:2::'));
  assert.equal(addressKey('fe80::1%eth0'), addressKey('fe80::2%wlan0'));
  assert.notEqual(addressKey('2001:db8:1:3::'), addressKey('2001:db8:1:2::'));
});

it('what is no address stands for itself', () => {
  for (const text of ['unknown', '', '@', 'x'.repeat(1000)]) assert.equal(addressKey(text), text);
});
