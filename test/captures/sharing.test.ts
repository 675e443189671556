import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { AwakeTime } from '../support/awake-time.ts';
import { readEvents } from '../support/events.ts';
import { decode, FilmMaker, Home } from './support/home.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());
const plain = maker.plain('plain.mp4');
const SECOND = 1_795_000_000;

interface Shown {
  readonly id: string;
  readonly at: string;
  readonly alarms: number;
}
interface Share {
  readonly id: string;
  readonly for: string;
  readonly link: string;
  readonly qr: string;
  readonly openings: number;
}

/** A home with two films; the newer one is first. */
async function twoFilms(): Promise<{ home: Home; films: readonly [Shown, Shown] }> {
  const home = await Home.open();
  await home.film(home.spool.name('pir', SECOND), [plain, plain]);
  await home.film(home.spool.name('cap', SECOND + 60), [plain]);
  await home.drained();
  const [newer, older] = await home.json<Shown[]>('/api/v1/captures');
  assert.ok(newer && older);
  return { home, films: [newer, older] };
}

const post = (body: unknown) => ({ method: 'POST', body });

/** Opens a link as a browser that nobody knows. */
async function open(home: Home, link: string) {
  const secret = new URL(link).hash.replace('#/film/', '');
  const answer = await home.ask('/api/v1/shares/open', { ...post({ secret }), headers: { Cookie: '' } });
  const cookie = answer.headers.getSetCookie()[0]?.split(';', 1)[0] ?? '';
  const ask = (path: string, options: Parameters<Home['ask']>[1] = {}) =>
    home.ask(path, { ...options, headers: { ...options.headers, Cookie: cookie } });
  return { answer, cookie, ask };
}

describe('a link to one film', () => {
  it('shows this film and nothing else, to whoever has it', async () => {
    const { home, films } = await twoFilms();
    await using _home = home;
    const [newer, older] = films;
    const made = await home.ask(
      `/api/v1/captures/${older.id}/shares`,
      post({ seconds: 3_600, for: 'Police' }),
    );
    assert.equal(made.status, 201);
    const share = (await made.json()) as Share;
    assert.match(share.link, new RegExp(`^${home.relay.url}/#/film/[\\w-]{20,}$`));
    assert.match(share.qr, /^<svg/);
    const { answer, ask } = await open(home, share.link);
    assert.equal(answer.status, 200);
    assert.deepEqual(((await answer.json()) as { capture: string; for: string }).capture, older.id);
    const status = async (path: string, options = {}) =>
      (await ask(`/api/v1/captures${path}`, options)).status;
    for (const path of ['', '/video.mp4', '/playlist.m3u8', '/thumbnail.jpg', '/segments/0', '/export.zip']) {
      assert.equal(await status(`/${older.id}${path}`), 200, path);
      assert.equal(await status(`/${newer.id}${path}`), 404, path);
    }
    const listed = (await (await ask('/api/v1/captures')).json()) as Shown[];
    assert.deepEqual(
      listed.map(({ id }) => id),
      [older.id],
    );
    // To look is all that one may.
    assert.equal(await status(`/${older.id}`, { method: 'DELETE' }), 403);
    assert.equal(await status(`/${older.id}/shares`, post({ seconds: 60 })), 403);
    assert.equal((await ask(`/api/v1/devices/${home.device.id}`)).status, 404);
    assert.equal((await ask('/api/v1/streams').then((streams) => streams.json())).length, 0);
    const [kept] = await home.json<Share[]>(`/api/v1/captures/${older.id}/shares`);
    assert.deepEqual([kept?.id, kept?.for, kept?.openings, kept?.link], [share.id, 'Police', 1, undefined]);
    const entries = await home.json<{ entries: { what: string; who: { name: string } }[] }>('/api/v1/audit');
    const acts = entries.entries.map(({ what, who }) => `${what} ${who.name}`);
    for (const act of ['invite-open Police', 'capture-view Police']) assert.ok(acts.includes(act), act);
  });

  it('ends at once when it is taken back, or the film is deleted, and says so in words', async () => {
    const { home, films } = await twoFilms();
    await using _home = home;
    const [newer, older] = films;
    const share = async ({ id }: Shown) =>
      home.json<Share>(`/api/v1/captures/${id}/shares`, post({ seconds: 60 }));
    const taken = await share(older);
    const { ask } = await open(home, taken.link);
    assert.equal((await ask(`/api/v1/captures/${older.id}/video.mp4`)).status, 200);
    assert.equal((await home.ask(`/api/v1/captures/shares/${taken.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await ask(`/api/v1/captures/${older.id}/video.mp4`)).status, 401);
    const again = await open(home, taken.link);
    assert.equal(again.answer.status, 410);
    assert.match(((await again.answer.json()) as { message: string }).message, /ended/);
    assert.deepEqual(await home.json(`/api/v1/captures/${older.id}/shares`), []);
    const gone = await share(newer);
    await home.ask(`/api/v1/captures/${newer.id}`, { method: 'DELETE' });
    assert.equal((await open(home, gone.link)).answer.status, 410);
    // A link to a film opens no invite, and the other way round.
    const { link } = await share(older);
    const secret = new URL(link).hash.replace('#/film/', '');
    assert.equal((await home.ask('/api/v1/invites/open', post({ secret }))).status, 401);
  });

  it('leaves who may see the film anyhow who he is', async () => {
    const { home, films } = await twoFilms();
    await using _home = home;
    const { link } = await home.json<Share>(`/api/v1/captures/${films[0].id}/shares`, post({ seconds: 60 }));
    const secret = new URL(link).hash.replace('#/film/', '');
    const answer = await home.ask('/api/v1/shares/open', post({ secret }));
    assert.deepEqual([answer.status, answer.headers.getSetCookie()], [200, []]);
  });
});

describe('a film that is taken along', () => {
  it('is a file named after the device and the time', async () => {
    const { home, films } = await twoFilms();
    await using _home = home;
    await home.ask(`/api/v1/devices/${home.device.id}`, { method: 'PATCH', body: { name: 'Küche: "1"' } });
    const saved = await home.ask(`/api/v1/captures/${films[0].id}/video.mp4?download`);
    assert.equal(
      saved.headers.get('content-disposition'),
      `attachment; filename="K_che- -1- 2026-11-18 11-07-40Z.mp4"; filename*=UTF-8''K%C3%BCche-%20-1-%202026-11-18%2011-07-40Z.mp4`,
    );
    assert.equal(
      (await home.ask(`/api/v1/captures/${films[0].id}/video.mp4`)).headers.get('content-disposition'),
      null,
    );
  });

  it('is an archive of what the camera wrote, of a length known before, that unzip finds whole', async () => {
    const { home, films } = await twoFilms();
    await using _home = home;
    const answer = await home.ask(`/api/v1/captures/${films[1].id}/export.zip`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    assert.equal(Number(answer.headers.get('content-length')), bytes.length);
    const zip = join(home.directory, 'film.zip');
    writeFileSync(zip, bytes);
    execFileSync('python3', ['-c', UNZIP, zip, home.directory]);
    for (const number of [0, 1]) {
      const file = join(home.directory, `pir.${SECOND}.${number}.mp4`);
      assert.deepEqual(readFileSync(file), readFileSync(plain));
      assert.equal((await decode(file)).complaints, '');
    }
    const about = JSON.parse(readFileSync(join(home.directory, 'capture.json'), 'utf8'));
    assert.equal(about.id, films[1].id);
    assert.deepEqual(
      about.segmentList.map(({ file, state }: { file: string; state: string }) => [file, state]),
      [0, 1].map((number) => [`pir.${SECOND}.${number}.mp4`, 'here']),
    );
  });
});

describe('who looks on', () => {
  it('is told of what changes, of the device that was asked for', async () => {
    const home = await Home.open();
    await using _home = home;
    const ended = new AbortController();
    const follow = async (query: string) =>
      readEvents(
        await fetch(`${home.relay.url}/api/v1/captures/events${query}`, {
          headers: { Cookie: home.cookie },
          signal: ended.signal,
        }),
      );
    const all = await follow('');
    const elsewhere = await follow('?device=another');
    const capture = home.spool.name('pir', SECOND);
    await home.film(capture, [plain]);
    await home.spool.note({ kind: 'alarm', capture, timestamp: SECOND });
    await home.drained();
    const alarm = await all.until(({ event }) => event === 'alarm');
    const over = await all.until(
      ({ event, data }) => event === 'capture' && data.complete === true && data.alarms === 1,
    );
    assert.equal(alarm.data.capture, over.data.id);
    await all.until(({ event, data }) => event === 'capture' && Number(data.seconds) > 1);
    await home.ask(`/api/v1/captures/${over.data.id}`, { method: 'PATCH', body: { keep: true } });
    await all.until(({ event, data }) => event === 'capture' && data.keep === true);
    await home.ask(`/api/v1/captures/${over.data.id}`, { method: 'DELETE' });
    const removed = await all.until(({ event }) => event === 'removed');
    assert.equal(removed.data.id, over.data.id);
    assert.deepEqual(elsewhere.heard, []);
    ended.abort();
  });

  it('hears only what he may see, and nothing from the moment that it is taken away', async () => {
    const { home, films } = await twoFilms();
    await using _home = home;
    const [newer, older] = films;
    const share = await home.json<Share>(`/api/v1/captures/${older.id}/shares`, post({ seconds: 60 }));
    const { cookie } = await open(home, share.link);
    const guest = readEvents(
      await fetch(`${home.relay.url}/api/v1/captures/events`, { headers: { Cookie: cookie } }),
    );
    const keep = (id: string) =>
      home.ask(`/api/v1/captures/${id}`, { method: 'PATCH', body: { keep: true } });
    await keep(newer.id);
    await keep(older.id);
    const first = await guest.until(({ event }) => event === 'capture');
    assert.equal(first.data.id, older.id);
    await home.ask(`/api/v1/captures/shares/${share.id}`, { method: 'DELETE' });
    using since = new AwakeTime();
    await guest.closed;
    assert.ok(since.ms < 1_000, `${since.ms} ms`);
  });
});

describe('the days of a calendar', () => {
  it('have films and alarms, by the clock of whoever looks', async () => {
    const home = await Home.open();
    await using _home = home;
    // 2026-11-18 23:30 in Vienna is 22:30 UTC; half an hour later it is the next day there.
    const late = Date.parse('2026-11-18T22:30:00Z') / 1_000;
    await home.film(home.spool.name('pir', late), [plain]);
    await home.film(home.spool.name('pir', late + 3_600), [plain]);
    await home.spool.note({ kind: 'alarm', timestamp: late });
    await home.drained();
    const days = (query: string) => home.json(`/api/v1/captures/days?${query}`);
    const span = 'from=2026-11-01&to=2026-11-30';
    assert.deepEqual(await days(span), [{ day: '2026-11-18', captures: 2, alarms: 1 }]);
    assert.deepEqual(await days(`${span}&zone=Europe/Vienna`), [
      { day: '2026-11-18', captures: 1, alarms: 1 },
      { day: '2026-11-19', captures: 1, alarms: 0 },
    ]);
    assert.deepEqual(await days('from=2026-11-19&to=2026-11-19'), []);
    assert.deepEqual(await days(`${span}&device=another`), []);
    for (const odd of [
      'from=2026-11-30&to=2026-11-01',
      `${span}&zone=Nowhere`,
      'from=1970-01-01&to=2026-01-01',
    ]) {
      assert.equal((await home.ask(`/api/v1/captures/days?${odd}`)).status, 400, odd);
    }
    const since = await home.json<Shown[]>('/api/v1/captures?since=2026-11-18T23:00:00Z');
    assert.equal(since.length, 1);
    const { used } = await home.json<{ used: number }>('/api/v1/captures/retention');
    assert.equal(used, 2 * readFileSync(plain).length);
  });
});

/** Unpacks an archive, having checked all of it. */
const UNZIP = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
    archive.extractall(sys.argv[2])
`;
