import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, decodeNotice, placeOf, titleOf } from './notice.ts';

const now = Date.UTC(2026, 10, 21, 14, 2);
const pushed = { what: 'motion', tag: 'f1', name: 'Porch', device: 'porch-m4qd', capture: 'f1', at: now };

test('a push says what happened, where and when, and leads to the film', () => {
  const notice = decodeNotice(pushed);
  assert.equal(titleOf(notice), 'Motion: Porch');
  assert.match(bodyOf(notice, now), /^\d\d:02 · Tap to see the film\.$/);
  assert.equal(placeOf(notice), '#/captures/f1');
  assert.equal(titleOf(decodeNotice({ ...pushed, what: 'alarm' })), 'Alarm: Porch');
  assert.equal(titleOf(decodeNotice({ ...pushed, what: 'asked' })), 'Filmed, as asked: Porch');
});

test('an alarm without a film leads to the device, a test back to where it was asked for', () => {
  const alarm = decodeNotice({ ...pushed, what: 'alarm', capture: undefined });
  assert.equal(placeOf(alarm), '#/devices/porch-m4qd');
  assert.doesNotMatch(bodyOf(alarm, now), /film/);
  assert.equal(placeOf(decodeNotice({ what: 'test' })), '#/account');
});

test('that the sign-in ends is said with the day, and with what to do', () => {
  const notice = decodeNotice({ what: 'ending', tag: 'ending', at: now });
  assert.equal(bodyOf(notice, now - 86_400_000).includes('on 21 November 2026. Sign out and in again'), true);
  assert.equal(placeOf(notice), '#/account');
});

test('what a newer relay says, and what is nothing at all, is shown in plain words', () => {
  for (const strange of [undefined, 7, [], {}, { what: 'earthquake', name: 5, at: 'soon' }]) {
    const notice = decodeNotice(strange);
    assert.equal(titleOf(notice), 'Something happened');
    assert.equal(bodyOf(notice, now), '');
    assert.equal(placeOf(notice), '#/captures');
  }
});

test('nothing that was pushed becomes another address than one of ours', () => {
  const notice = decodeNotice({ ...pushed, capture: '../../x', device: 'a/b?c' });
  assert.equal(notice.capture, undefined);
  assert.equal(placeOf(notice), '#/captures');
});
