import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Browser } from '../../../../test/support/browser.ts';
import { openRelay } from '../../../../test/support/relay.ts';
import { TestPushService } from '../push/testing/test-push-service.ts';

interface State {
  readonly publicKey: string;
  readonly subscription: { readonly endpoint: string; readonly problem: string | null } | null;
  readonly quiet: object | null;
  readonly devices: readonly object[];
}

let service: TestPushService;
let relay: Awaited<ReturnType<typeof openRelay>>;
before(async () => {
  service = await TestPushService.open();
  relay = await openRelay({ push: { origins: [service.origin], ca: service.ca } });
});
after(async () => {
  await relay.close();
  await service[Symbol.asyncDispose]();
});

const signedIn = async () => Browser.signedIn(relay, await relay.signInLink());
const stateOf = async (browser: Browser) => (await browser.get('/api/v1/push')).body as State;
const quiet = { from: '22:00', to: '07:00', zone: 'Europe/Zurich', days: [1, 5], alarms: true };

describe('who wants to be told', () => {
  it('turns it on in a browser, gets a test there, and turns it off', async () => {
    const page = await signedIn();
    assert.equal((await stateOf(page)).subscription, null);
    assert.equal((await page.post('/api/v1/push/test')).status, 409);
    const browser = service.browser();
    const put = () => page.put('/api/v1/push/subscription', browser.subscription);
    assert.equal((await put()).status, 204);
    assert.equal((await put()).status, 204);
    assert.equal((await stateOf(page)).subscription?.endpoint, browser.endpoint);
    assert.equal((await page.post('/api/v1/push/test')).status, 204);
    const [told] = service.readBy(browser) as { what: string; at: number }[];
    assert.equal(told?.what, 'test');

    const other = await signedIn();
    assert.equal((await stateOf(other)).subscription, null, 'it is one browser, not the person');
    assert.equal((await page.delete('/api/v1/push/subscription')).status, 204);
    assert.equal((await stateOf(page)).subscription, null);
    const { entries } = (await page.get('/api/v1/audit')).body as {
      entries: { what: string; detail: string }[];
    };
    const changes = entries.filter(({ what }) => what === 'push-change').map(({ detail }) => detail);
    assert.equal(changes.length, 2, 'the same again is no change');
    assert.ok(!JSON.stringify(entries).includes(browser.endpoint), 'its address is in no history');
  });

  it('reads why a test did not arrive', async () => {
    const page = await signedIn();
    const browser = service.browser();
    await page.put('/api/v1/push/subscription', browser.subscription);
    service.replies.push({ status: 403 });
    const refused = await page.post('/api/v1/push/test');
    assert.equal(refused.status, 502);
    assert.match(JSON.stringify(refused.body), /could not be sent: 127\.0\.0\.1:\d+ answered 403/);
    assert.match((await stateOf(page)).subscription?.problem ?? '', /403/);
    service.replies.push({ status: 410 });
    const gone = await page.post('/api/v1/push/test');
    assert.equal(gone.status, 409);
    assert.match(JSON.stringify(gone.body), /turn notifications on again/);
    assert.equal((await stateOf(page)).subscription, null);
  });

  it('cannot send more tests than anybody needs', async () => {
    const page = await signedIn();
    await page.put('/api/v1/push/subscription', service.browser().subscription);
    const statuses: number[] = [];
    for (let i = 0; i < 22; i++) statuses.push((await page.post('/api/v1/push/test')).status);
    assert.equal(statuses.filter((status) => status === 204).length, 20);
    assert.equal(statuses.at(-1), 429);
  });

  it('cannot make the relay call anywhere, nor give keys that are none', async () => {
    const page = await signedIn();
    const { keys } = service.browser();
    for (const endpoint of ['http://127.0.0.1/x', 'https://127.0.0.1/x', 'https://push.example/x', 'x']) {
      const answer = await page.put('/api/v1/push/subscription', { endpoint, keys });
      assert.equal(answer.status, 400, endpoint);
    }
    const { endpoint } = service.browser();
    for (const wrong of [
      { ...keys, auth: 'AAAA' },
      { ...keys, p256dh: 'AAAA' },
      { ...keys, p256dh: '' },
    ]) {
      assert.equal((await page.put('/api/v1/push/subscription', { endpoint, keys: wrong })).status, 400);
    }
    assert.equal((await stateOf(page)).subscription, null);
  });

  it('says when not, and of what, for all browsers of his', async () => {
    const page = await signedIn();
    const saved = await page.put('/api/v1/push/settings', { quiet, devices: { nobody: 'nothing' } });
    assert.equal(saved.status, 200);
    assert.deepEqual((await stateOf(await signedIn())).quiet, quiet);
    for (const wrong of [
      { zone: 'Europe/Atlantis' },
      { from: '25:00' },
      { to: '7:00' },
      { days: [] },
      { days: [8] },
      { days: [1, 1] },
    ]) {
      const body = { quiet: { ...quiet, ...wrong }, devices: {} };
      assert.equal((await page.put('/api/v1/push/settings', body)).status, 400, JSON.stringify(wrong));
    }
    assert.equal((await page.put('/api/v1/push/settings', { quiet: null, devices: {} })).status, 200);
    assert.equal((await stateOf(page)).quiet, null);
  });
});

it('browsers stay subscribed when the relay starts again: its key is the same', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'perch-push-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const keyOf = async () => {
    await using one = await openRelay({ data });
    return (await stateOf(await Browser.signedIn(one, await one.signInLink()))).publicKey;
  };
  const before = await keyOf();
  assert.equal(Buffer.from(before, 'base64url').length, 65);
  assert.equal(await keyOf(), before);
});
