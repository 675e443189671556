import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { silentLogger, systemClock } from '@perch/runtime';
import { backupIn, restoreIn } from '../../packages/relay/src/index.ts';
import { openRelay } from '../support/relay.ts';
import { FilmMaker, Home } from './support/home.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());

it('a relay that is made from a backup shows the films that were in it', async () => {
  await using home = await Home.open();
  await home.film(home.spool.name('pir', 1_795_000_000), [maker.plain('a.mp4'), maker.plain('b.mp4')]);
  await home.drained();
  const common = { clock: systemClock, logger: silentLogger, file: join(home.directory, 'backup') };
  const captures = join(home.directory, 'films');
  const { films } = await backupIn({ ...common, data: home.relay.data, captures });
  assert.equal(films?.files, 2);
  const data = join(home.directory, 'restored');
  const restored = await restoreIn({ ...common, data, captures });
  assert.equal(restored.films?.files, 2);
  await using relay = await openRelay({ data });
  const ask = (path: string) =>
    fetch(`${relay.url}/api/v1/captures${path}`, { headers: { Cookie: home.cookie } });
  const [film] = (await (await ask('')).json()) as { id: string }[];
  assert.equal((await ask(`/${film?.id}/video.mp4`)).status, 200);
});
