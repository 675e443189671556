import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { makeCertificate } from '@perch/testkit';
import { CloudHome } from '../captures/support/cloud-home.ts';
import { FilmMaker } from '../captures/support/home.ts';
import { OldCloudtalker } from '../captures/support/old-cloudtalker.ts';
import type { ShownCamera } from '../devices/support/owner.ts';

// COMPAT 4.4: the server's side of cloudtalker's protocol, against a daemon that does what cloudtalker.py does (rows S1–S4).

const films = new FilmMaker();
after(() => films[Symbol.dispose]());

const pir = { trigger_timestamp: 1_795_000_000, trigger: 'pir' };
const COLOURS = ['red', 'lime', 'blue'] as const;

/** A second of one colour. */
const coloured = (colour: string): Promise<Buffer> => {
  const source = ['-f', 'lavfi', '-i', `color=${colour}:s=64x64:r=10:d=1`];
  return films.read(films.make(`${colour}.mp4`, [...source, '-c:v', 'libx264', '-pix_fmt', 'yuv420p']));
};

/** Which colours a film shows, second by second. */
async function shows(home: CloudHome, id: string): Promise<string[]> {
  const path = join(films.directory, 'shown.mp4');
  const { status, body } = await home.ask(`/api/v1/captures/${id}/video.mp4`);
  assert.equal(status, 200, String(body).slice(0, 200));
  writeFileSync(path, body);
  const args = ['-v', 'error', '-nostdin', '-i', path, '-vf', 'fps=10,scale=1:1', '-pix_fmt', 'rgb24'];
  const { stdout } = await promisify(execFile)('ffmpeg', [...args, '-f', 'rawvideo', '-'], {
    encoding: 'buffer',
  });
  const names: string[] = [];
  // The fifth picture of each second.
  for (let at = 15; at + 3 <= stdout.length; at += 30) {
    const strongest = [0, 1, 2].reduce((most, i) =>
      (stdout[at + i] as number) > (stdout[at + most] as number) ? i : most,
    );
    names.push(COLOURS[strongest] as string);
  }
  return names;
}

const connect = async (home: CloudHome, options = {}) => new OldCloudtalker(await home.connect(), options);
const camera = (home: CloudHome) => home.json<ShownCamera>(`/api/v1/devices/${home.device.id}/camera`);
const tell = (home: CloudHome, command: string) =>
  home.ask(`/api/v1/devices/${home.device.id}/commands`, { method: 'POST', body: { command } });
const untilCamera = async (home: CloudHome, holds: (camera: ShownCamera) => boolean) => {
  for (;;) {
    const shown = await camera(home);
    if (holds(shown)) return shown;
  }
};

test('S1: segments are one film, in the order of their numbers', { timeout: 60_000 }, async () => {
  await using home = await CloudHome.open();
  using device = await connect(home);
  const [red, lime, blue] = await Promise.all(COLOURS.map(coloured));
  assert.ok(red && lime && blue);
  device.say({ type: 'capture_start', ...pir });
  device.segment(pir, 2, blue);
  device.segment(pir, 0, red);
  device.segment(pir, 1, lime);
  device.say({ type: 'capture_end', ...pir });
  const [film] = await home.until(([one]) => one?.ended != null);
  assert.deepEqual([film?.segments, film?.cause], [3, 'motion']);
  assert.deepEqual(await shows(home, film?.id ?? ''), ['red', 'lime', 'blue']);
});

test('S2: of a segment that was cut what came is kept, the film ends by itself, and the rest may come later', {
  timeout: 60_000,
}, async () => {
  await using home = await CloudHome.open();
  const [red = Buffer.alloc(0), lime = Buffer.alloc(0)] = await Promise.all(['red', 'lime'].map(coloured));
  {
    using device = await connect(home);
    device.say({ type: 'capture_start', ...pir });
    device.segment(pir, 0, red);
    device.segment(pir, 1, lime, 1_000);
    await device.peer.settled();
  }
  const [open] = await home.until(([one]) => one?.segments === 2);
  assert.equal(open?.ended, null);
  assert.ok(
    [...home.filesOf('pir-1795000000').values()].some((bytes) => bytes.equals(lime.subarray(0, 1_000))),
  );
  home.clock.advance(180_000);
  const [film] = await home.until(([one]) => one?.ended != null);
  const id = film?.id ?? '';
  const { segmentList } = await home.json<{ segmentList: { number: number; state: string }[] }>(
    `/api/v1/captures/${id}`,
  );
  assert.deepEqual(
    segmentList.map(({ number, state }) => [number, state]),
    [
      [0, 'here'],
      [1, 'cut'],
    ],
  );
  assert.equal((await shows(home, id))[0], 'red');
  using device = await connect(home);
  device.segment(pir, 1, lime);
  device.say({ type: 'capture_end', ...pir });
  await home.until(() => [...home.filesOf('pir-1795000000').values()].some((bytes) => bytes.equals(lime)));
});

test('S3: what comes twice is there once', { timeout: 60_000 }, async () => {
  await using home = await CloudHome.open();
  using device = await connect(home);
  using again = await connect(home);
  const bytes = randomBytes(5_000);
  for (const each of [device, device, again]) {
    each.say({ type: 'capture_start', ...pir });
    each.segment(pir, 0, bytes);
    each.segment(pir, 0, randomBytes(5_000));
    each.say({ type: 'capture_end', ...pir });
    each.say({ type: 'capture_end', ...pir });
    await home.until(([one]) => one?.ended != null);
    await each.peer.settled();
  }
  // The same number of the other trigger is another film.
  device.segment({ ...pir, trigger: 'request' }, 0, bytes);
  device.say({ type: 'capture_end', ...pir, trigger: 'request' });
  const list = await home.until((all) => all.length === 2 && all.every(({ ended }) => ended !== null));
  assert.deepEqual(list.map(({ cause, segments }) => [cause, segments]).sort(), [
    ['asked', 1],
    ['motion', 1],
  ]);
  assert.deepEqual([...home.filesOf('pir-1795000000').values()], [bytes]);
});

test('S4: who shows no certificate of a device of this relay is refused', { timeout: 60_000 }, async () => {
  await using home = await CloudHome.open();
  const { cert, key } = await makeCertificate(films.directory);
  await assert.rejects(home.connect({}), /HTTP 401/);
  await assert.rejects(home.connect({ cert, key }), /HTTP 401|alert|certificate/);
  using device = await connect(home);
  await device.answers(1);
  await home.ask(`/api/v1/devices/${home.device.id}`, { method: 'DELETE' });
  await device.peer.closed;
  await assert.rejects(home.connect(), /HTTP 401/);
});

test('after its first state a device gets all of it: as it is to be armed, and no film', {
  timeout: 60_000,
}, async () => {
  await using home = await CloudHome.open();
  await home.ask(`/api/v1/devices/${home.device.id}/camera`, { method: 'PUT', body: { armed: true } });
  assert.equal((await camera(home)).last[0]?.delivered, null);
  using device = await connect(home);
  const { armed, last } = await untilCamera(
    home,
    (shown) => shown.armed.known === true && shown.last[0]?.delivered != null,
  );
  assert.deepEqual(
    [armed.wanted, last[0]?.handed],
    [true, null],
    'what its camera program got it never says',
  );
  assert.deepEqual(device.heard[0], { id: 0, heartbeat_period: 10, pir_armed: true, capture_asap: false });
  assert.deepEqual(device.datagrams, ['{"command":"arm"}']);
  const before = device.heard.length;
  device.sayState();
  await device.peer.settled();
  assert.equal(device.heard.length, before, 'an answer to each state would go back and forth for ever');
});

test('arm and disarm are changes of pir_armed, and delivered when the device says so', {
  timeout: 60_000,
}, async () => {
  await using home = await CloudHome.open();
  using device = await connect(home);
  await device.answers(1);
  for (const command of ['arm', 'disarm']) {
    assert.equal((await tell(home, command)).status, 202);
    await untilCamera(home, ({ last }) => last[0]?.command === command && last[0].delivered !== null);
  }
  assert.deepEqual(device.datagrams, ['{"command":"arm"}', '{"command":"disarm"}']);
  await untilCamera(home, ({ armed }) => armed.known === false);
});

for (const [whose, isPutRight, datagrams] of [
  ['that was put right', true, [1, 2, 3]],
  // COMPAT 4.4: true → false fires another one. It falls no sooner than the next film is asked for.
  ['as it was', false, [1, 3, 5]],
] as const) {
  test(`capture is capture_asap false → true: of three requests a daemon ${whose} makes ${datagrams} films in all`, {
    timeout: 60_000,
  }, async () => {
    await using home = await CloudHome.open();
    using device = await connect(home, { isPutRight });
    await device.answers(1);
    for (const count of datagrams) {
      const { id } = JSON.parse(String((await tell(home, 'capture')).body)) as { id: string };
      await untilCamera(home, ({ last }) => last[0]?.id === id && last[0].delivered !== null);
      assert.deepEqual(device.datagrams, Array(count).fill('{"command":"capture"}'));
    }
    await tell(home, 'arm');
    await untilCamera(home, ({ armed }) => armed.known === true);
    assert.equal(device.datagrams.length, datagrams[2] + 1, 'nothing else makes it film');
  });
}

test('a film that was asked of a device that then broke off is not asked of the next one', {
  timeout: 60_000,
}, async () => {
  await using home = await CloudHome.open();
  {
    // It says its first state, and answers nothing.
    using mute = await home.connect();
    mute.send(
      '{"capture_asap": false, "heartbeat_period": 10, "id": 0, "pir_armed": false, "type": "state"}',
    );
    await mute.hears(1);
    await tell(home, 'capture');
    await mute.hears(2);
  }
  const { last } = await untilCamera(home, (shown) => shown.last[0]?.failed != null);
  assert.match(last[0]?.failed ?? '', /did not say whether it was done/);
  using device = await connect(home);
  await device.answers(1);
  assert.deepEqual(device.datagrams, []);
});
