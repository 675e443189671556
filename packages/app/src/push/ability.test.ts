import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abilityOf, type BrowserFacts } from './ability.ts';

const browser = (over: Partial<BrowserFacts> = {}): BrowserFacts => ({
  ...{ isSecure: true, hasPush: true, permission: 'default', hasWorker: true },
  ...{ userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0', touchPoints: 0, ...over },
});

test('what stands in the way of notifications is told apart', () => {
  assert.equal(abilityOf(browser()), 'able');
  assert.equal(abilityOf(browser({ permission: 'granted' })), 'able');
  assert.equal(abilityOf(browser({ permission: 'denied' })), 'blocked');
  assert.equal(abilityOf(browser({ isSecure: false, hasPush: false })), 'insecure');
  assert.equal(abilityOf(browser({ hasWorker: false })), 'untrusted');
  assert.equal(abilityOf(browser({ hasPush: false, permission: undefined })), 'unable');
});

test('an iPhone or iPad is told to put the app on its home screen', () => {
  const apple = { hasPush: false, permission: undefined, hasWorker: false };
  const iPhone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1';
  const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1';
  assert.equal(abilityOf(browser({ ...apple, userAgent: iPhone, touchPoints: 5 })), 'needs-home-screen');
  assert.equal(abilityOf(browser({ ...apple, userAgent: mac, touchPoints: 5 })), 'needs-home-screen');
  assert.equal(abilityOf(browser({ ...apple, userAgent: mac })), 'unable');
});
