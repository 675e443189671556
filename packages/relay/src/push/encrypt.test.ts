import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areKeys, encrypt } from './encrypt.ts';
import { TestBrowser } from './testing/test-browser.ts';

const browser = new TestBrowser('https://push.example/1');

test('what is encrypted for a browser is read by it, with somebody else’s decryption', () => {
  for (const text of ['', 'x', 'größer als zuvor 🐦', 'x'.repeat(511), 'x'.repeat(512), 'x'.repeat(3_500)]) {
    assert.equal(browser.read(encrypt(text, browser.keys)), text);
  }
});

test('nobody else reads it, nor the same browser where a bit was changed', () => {
  const body = encrypt('motion at the door', browser.keys);
  assert.throws(() => new TestBrowser('https://push.example/2').read(body));
  body.writeUInt8(body.readUInt8(body.length - 1) ^ 1, body.length - 1);
  assert.throws(() => browser.read(body));
});

test('its length says little of what is in it, and no two are alike', () => {
  const [short, long] = [encrypt('a', browser.keys), encrypt('a'.repeat(300), browser.keys)];
  assert.equal(short.length, long.length);
  assert.ok(short.length <= 4_096);
  assert.notDeepEqual(encrypt('a', browser.keys), short);
});

test('what is longer than push services take is refused', () => {
  assert.throws(() => encrypt('x'.repeat(4_096), browser.keys), /^TypeError: text: /);
});

test('keys that are none are known before anything is kept', () => {
  const { p256dh, auth } = browser.keys;
  assert.ok(areKeys(browser.keys));
  const offCurve = Buffer.from(p256dh, 'base64url');
  offCurve.writeUInt8(offCurve.readUInt8(64) ^ 1, 64);
  for (const wrong of [
    { p256dh, auth: '' },
    { p256dh, auth: 'AAAA' },
    { p256dh: '', auth },
    { p256dh: p256dh.slice(0, 40), auth },
    { p256dh: offCurve.toString('base64url'), auth },
  ]) {
    assert.ok(!areKeys(wrong), JSON.stringify(wrong));
  }
});
