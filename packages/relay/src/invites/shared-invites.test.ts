import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock, startPostgres } from '@perch/testkit';
import { Browser } from '../../../../test/support/browser.ts';
import { openRelay } from '../../../../test/support/relay.ts';

it('an invite made at one relay is opened at another, and ends on both', async () => {
  await using server = await startPostgres();
  const database = server.createDatabase();
  const clock = new FakeClock();
  await using one = await openRelay({ database, clock });
  await using two = await openRelay({ database, clock });
  const owner = await Browser.signedIn(one, await one.signInLink());
  const wanted = { for: 'Grandma', topic: 'front', permissions: ['view'], ttl: 3_600, once: true };
  const { id, link } = (await owner.post('/api/v1/invites', wanted)).body as { id: string; link: string };
  const guest = new Browser(two);
  const secret = link.slice(link.lastIndexOf('/') + 1);
  assert.equal((await guest.post('/api/v1/invites/open', { secret })).status, 200);
  assert.equal(
    (await new Browser(one).post('/api/v1/invites/open', { secret })).status,
    401,
    'it is for one use',
  );
  using viewer = await guest.open('/out/front');
  assert.equal((await owner.delete(`/api/v1/invites/${id}`)).status, 204);
  clock.advance(500);
  assert.equal((await viewer.closed).code, 4401);
  await assert.rejects(guest.open('/out/front'), /HTTP 401/);
});
