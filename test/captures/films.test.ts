import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { decode, FilmMaker, Home } from './support/home.ts';

const maker = new FilmMaker();
after(() => maker[Symbol.dispose]());
const plain = maker.plain('plain.mp4');

interface Shown {
  readonly id: string;
  readonly complete: boolean;
  readonly segments: number;
  readonly seconds: number;
  readonly keep: boolean;
}
interface Detail extends Shown {
  readonly segmentList: readonly {
    number: number;
    state: string;
    playable: boolean | null;
    reason: string | null;
  }[];
}

const only = async (home: Home): Promise<Shown> => {
  const [film, ...more] = await home.json<Shown[]>('/api/v1/captures');
  assert.ok(film && more.length === 0);
  return film;
};

/** Saves what the relay answers. */
async function save(home: Home, path: string, name: string): Promise<string> {
  const answer = await home.ask(path);
  assert.equal(answer.status, 200, await answer.clone().text().catch(String));
  const file = join(home.directory, name);
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  return file;
}

describe('a film of segments that do not fit each other', () => {
  it('has every picture of all that can be played, and says what cannot', async () => {
    await using home = await Home.open();
    // Its camera died: what it had filmed is saved.
    const noMoov = maker.plain('cut.mp4');
    truncateSync(noMoov, 50_000);
    const list = join(maker.directory, 'list.mp4');
    writeFileSync(list, '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n');
    const segments = [
      // No sound, other size, other rate.
      maker.plain('silent.mp4', { size: '640x360', rate: 30, sound: 0 }),
      plain,
      // A transport stream with sound of another rate.
      maker.plain('other.ts', { sound: 48_000 }),
      // Its first half second is hidden by an edit list.
      maker.make('edit.mp4', ['-ss', '0.5', '-i', plain, '-c', 'copy']),
      maker.make('plain.mkv', ['-i', plain, '-c', 'copy']),
      noMoov,
      list,
      plain,
    ];
    await home.film(home.spool.name('pir', 1_795_000_000), segments);
    await home.drained();
    const { id, complete } = await only(home);
    assert.equal(complete, true);
    const film = await save(home, `/api/v1/captures/${id}/video.mp4`, 'film.mp4');
    assert.deepEqual(await decode(film), { pictures: 60 + 50 + 50 + 50 + 50 + 13 + 50, complaints: '' });
    const { segmentList, seconds } = await home.json<Detail>(`/api/v1/captures/${id}`);
    assert.deepEqual(
      segmentList.filter(({ playable }) => !playable).map(({ number }) => number),
      [6],
    );
    for (const { reason } of segmentList.filter(({ playable }) => !playable)) {
      assert.ok(reason && !reason.includes('/'), String(reason));
    }
    assert.ok(seconds > 12 && seconds < 13, `${seconds} s`);
    // What cannot be played can be had all the same.
    const raw = await save(home, `/api/v1/captures/${id}/segments/5`, 'raw.mp4');
    assert.deepEqual(await maker.read(raw), await maker.read(noMoov));
    for (const picture of ['thumbnail.jpg', 'strip.jpg']) {
      const file = await save(home, `/api/v1/captures/${id}/${picture}`, picture);
      assert.equal((await decode(file)).pictures, 1, picture);
    }
  });

  it('has ten pictures in its row, from all over it, though it has two key frames of two sizes', async () => {
    await using home = await Home.open();
    const still = (name: string, picture: string) => {
      const source = ['-f', 'lavfi', '-i', `color=${picture}:rate=25`, '-t', '0.5'];
      return maker.make(name, [...source, '-c:v', 'libx264', '-pix_fmt', 'yuv420p']);
    };
    const segments = [still('grey.mp4', 'gray:size=320x180'), still('white.mp4', 'white:size=640x360')];
    await home.film(home.spool.name('cap', 1_795_000_000), segments);
    await home.drained();
    const row = await save(home, `/api/v1/captures/${(await only(home)).id}/strip.jpg`, 'row.jpg');
    const averages = ['-vf', 'scale=10:1:flags=area', '-pix_fmt', 'gray', '-f', 'rawvideo'];
    const pixels = await maker.read(maker.make('averages.raw', ['-i', row, ...averages]));
    const shades = [...pixels].map((shade) => (shade > 200 ? 'white' : shade > 90 ? 'grey' : 'black'));
    assert.deepEqual(shades, [...Array(5).fill('grey'), ...Array(5).fill('white')]);
  });

  it('is sent whole, in ranges, or not at all where the browser has it', async () => {
    await using home = await Home.open();
    await home.film(home.spool.name('cap', 1_795_000_000), [plain, plain]);
    await home.drained();
    const path = `/api/v1/captures/${(await only(home)).id}/video.mp4`;
    const whole = await home.ask(path);
    const bytes = Buffer.from(await whole.arrayBuffer());
    const etag = whole.headers.get('etag') ?? '';
    assert.equal(whole.headers.get('accept-ranges'), 'bytes');
    const part = async (range: string, more: Record<string, string> = {}) => {
      const answer = await home.ask(path, { headers: { Range: range, ...more } });
      const body = Buffer.from(await answer.arrayBuffer());
      return { status: answer.status, range: answer.headers.get('content-range'), body };
    };
    const { length } = bytes;
    assert.deepEqual(await part('bytes=5-9'), {
      ...{ status: 206, range: `bytes 5-9/${length}`, body: bytes.subarray(5, 10) },
    });
    assert.deepEqual((await part(`bytes=${length - 3}-`)).body, bytes.subarray(-3));
    assert.deepEqual((await part('bytes=-4')).body, bytes.subarray(-4));
    assert.equal((await part(`bytes=10-${length + 5}`)).range, `bytes 10-${length - 1}/${length}`);
    assert.deepEqual([(await part(`bytes=${length}-`)).status, (await part('bytes=-0')).status], [416, 416]);
    for (const odd of ['bytes=9-5', 'bytes=1-2,5-6', 'lines=1-2', 'bytes=x-']) {
      assert.equal((await part(odd)).status, 200, odd);
    }
    assert.equal((await part('bytes=5-9', { 'If-Range': etag })).status, 206);
    assert.equal((await part('bytes=5-9', { 'If-Range': '"other"' })).status, 200);
    assert.equal((await home.ask(path, { headers: { 'If-None-Match': etag } })).status, 304);
    const head = await home.ask(path, { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), String(length));
  });
});

describe('a film that is still arriving', () => {
  it('plays: its playlist grows, and ends with the film', async () => {
    await using home = await Home.open();
    const capture = home.spool.name('pir', 1_795_000_000);
    const playlist = async () => {
      const { id } = await only(home);
      return (await home.ask(`/api/v1/captures/${id}/playlist.m3u8`)).text();
    };
    await home.film(capture, [plain], false);
    await home.drained();
    const asked = performance.now();
    const first = await playlist();
    const took = performance.now() - asked;
    assert.match(first, /#EXT-X-PLAYLIST-TYPE:EVENT/);
    assert.equal(first.match(/#EXTINF/g)?.length, 1);
    assert.doesNotMatch(first, /ENDLIST/);
    assert.equal((await only(home)).complete, false);
    await home.spool.take({
      capture,
      segment: 1,
      extension: 'mp4',
      path: maker.plain('next.mp4', { sound: 0 }),
    });
    await home.spool.note({ kind: 'end', capture, segments: 2 });
    await home.drained();
    const last = await playlist();
    const listed = (text: string) => text.slice(text.indexOf('#EXT-X-MAP')).replace(/#EXT-X-ENDLIST\n/, '');
    assert.ok(listed(last).startsWith(listed(first)), 'it only grows');
    assert.equal(last.match(/#EXTINF/g)?.length, 2);
    assert.match(last, /#EXT-X-ENDLIST\n$/);
    const { id } = await only(home);
    const parts = last.split('\n').filter((line) => line.startsWith('parts/'));
    let pictures = 0;
    for (const part of parts) {
      const file = await save(home, `/api/v1/captures/${id}/${part}`, 'part.mp4');
      const shown = await decode(file);
      assert.equal(shown.complaints, '');
      pictures += shown.pictures;
    }
    assert.equal(pictures, 100);
    console.log(`the first segment was playable ${took.toFixed(0)} ms after the promise`);
  });

  it('of twenty segments is there soon after its last byte', async () => {
    await using home = await Home.open();
    await home.film(
      home.spool.name('pir', 1_795_000_000),
      Array.from({ length: 20 }, () => plain),
    );
    await home.drained();
    const asked = performance.now();
    const { id } = await only(home);
    const film = await save(home, `/api/v1/captures/${id}/video.mp4`, 'film.mp4');
    const took = performance.now() - asked;
    assert.deepEqual(await decode(film), { pictures: 1_000, complaints: '' });
    console.log(`twenty segments were one film ${took.toFixed(0)} ms after the last promise`);
  });
});

describe('a segment without an end of which no other can tell', () => {
  const encoder = ['-profile:v', 'high', '-preset', 'medium', '-g', '25'];
  const large = maker.plain('large.mp4', { size: '640x360', encoder });
  const died = (name: string, of: string) => {
    const path = maker.make(name, ['-i', of, '-c', 'copy']);
    truncateSync(path, 40_000);
    return path;
  };
  const states = async (home: Home) => {
    const { id } = await only(home);
    const { segmentList } = await home.json<Detail>(`/api/v1/captures/${id}`);
    return segmentList.map(({ playable }) => playable);
  };

  it('is saved when one comes that can', async () => {
    await using home = await Home.open();
    const capture = home.spool.name('pir', 1_795_000_000);
    await home.film(capture, [died('first.mp4', plain)], false);
    await home.drained();
    const { id } = await only(home);
    const playlist = () => home.ask(`/api/v1/captures/${id}/playlist.m3u8`);
    assert.equal((await playlist()).status, 404);
    assert.deepEqual(await states(home), [false]);
    await home.spool.take({ capture, segment: 1, extension: 'mp4', path: plain });
    await home.drained();
    const listed = await (await playlist()).text();
    assert.equal(listed.match(/#EXTINF/g)?.length, 2, 'as soon as there is anything to be played');
    assert.deepEqual(await states(home), [true, true]);
  });

  it('is in its place in the film, and changes no list that a player has', async () => {
    await using home = await Home.open();
    const capture = home.spool.name('pir', 1_795_000_000);
    await home.film(capture, [plain, died('second.mp4', large), plain], false);
    await home.drained();
    const { id } = await only(home);
    const playlist = async () => (await home.ask(`/api/v1/captures/${id}/playlist.m3u8`)).text();
    const before = await playlist();
    assert.deepEqual(await states(home), [true, false, true]);
    await home.spool.take({ capture, segment: 3, extension: 'mp4', path: large });
    await home.spool.note({ kind: 'end', capture, segments: 4 });
    await home.drained();
    const after = await playlist();
    assert.deepEqual(await states(home), [true, true, true, true]);
    assert.ok(after.startsWith(before), 'it only grows');
    assert.equal(after.match(/#EXTINF/g)?.length, 3);
    const film = await save(home, `/api/v1/captures/${id}/video.mp4`, 'film.mp4');
    const saved = (await decode(film)).pictures - 150;
    assert.ok(saved > 5 && saved < 50, `${saved} pictures were saved`);
    const frames = ['-select_streams', 'v', '-show_entries', 'frame=width', '-of', 'csv=p=0'];
    const widths =
      execFileSync('ffprobe', ['-v', 'error', ...frames, film])
        .toString()
        .match(/\d+/g) ?? [];
    const turns = widths.filter((width, i) => width !== widths[i - 1]);
    assert.deepEqual(turns, ['320', '640', '320', '640'], 'one after the other');
  });
});

describe('a film that is deleted', () => {
  it('is gone with its files, and is not sent again by a device that did not hear the promise', async () => {
    await using home = await Home.open();
    const capture = home.spool.name('pir', 1_795_000_000);
    await home.film(capture, [plain, plain]);
    await home.drained();
    const { id } = await only(home);
    await home.ask(`/api/v1/captures/${id}/thumbnail.jpg`);
    const films = join(home.relay.data, 'captures', 'films', home.device.id, capture.id);
    assert.equal(readdirSync(films).length, 2);
    assert.equal((await home.ask(`/api/v1/captures/${id}`, { method: 'DELETE' })).status, 204);
    assert.deepEqual(readdirSync(films), []);
    assert.equal(existsSync(join(home.relay.data, 'captures', 'shown', id)), false);
    assert.equal((await home.ask(`/api/v1/captures/${id}`)).status, 404);
    assert.deepEqual(await home.json('/api/v1/captures'), []);
    const before = home.sent.bytes;
    await home.spool.take({ capture, segment: 0, extension: 'mp4', path: plain });
    await home.drained();
    assert.ok(home.sent.bytes - before < 2_000, 'a promise, not the bytes');
    assert.deepEqual(await home.json('/api/v1/captures'), []);
  });
});
