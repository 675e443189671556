// A camera's stream into the agent's motion capture, on a clock of its own: real ffmpeg, real files.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { type AccessUnit, Demuxer } from '@perch/mpegts';
import { type FilmFile, type Recording, record, startRig } from './testing/rig.ts';

/** The box is there from second 12 to 15, and from 45 to 100. Sound and picture. */
const made = new Map<string, Recording>();
function recording(tracks: 'va' | 'v' | 'a' = 'va'): Recording {
  const known = made.get(tracks);
  const moves = [
    [12, 15],
    [45, 100],
  ] as const;
  const recorded = known ?? record(tracks === 'va' ? 96 : 32, moves, tracks);
  made.set(tracks, recorded);
  return recorded;
}

/** Ten pictures a second, in ticks of 90 kHz. */
const RATE = 10;
const PICTURE = 90_000 / RATE;
/** A frame of MPEG-1 sound, layer II: 24 ms. */
const SOUND = 2_160;

/** The units of a film's files, and what is wrong with them. */
function read(files: readonly FilmFile[]) {
  const units: AccessUnit[] = [];
  const damage: string[] = [];
  for (const { path } of files) {
    const own: AccessUnit[] = [];
    const demuxer = new Demuxer({
      onAccessUnit: (unit) => own.push(unit),
      onDamage: ({ kind }) => damage.push(kind),
    });
    demuxer.push(readFileSync(path));
    demuxer.flush();
    const first = own.find((unit) => unit.class === 'video');
    if (!first?.randomAccess) damage.push('it does not begin with a key picture');
    units.push(...own);
  }
  const of = (kind: string) => units.filter((unit) => unit.class === kind);
  return { video: of('video'), audio: of('audio'), damage };
}

/** What ffmpeg has to say of a file: nothing, where it is right. */
const complaints = ({ path }: FilmFile): string =>
  execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'null', '-'], { encoding: 'utf8', stdio: 'pipe' });

/** The pictures of a row are all there, and none twice. */
function assertNoGap(video: readonly AccessUnit[]): void {
  for (const [i, { pts }] of video.entries()) {
    const step = pts - (video[i - 1]?.pts ?? pts - PICTURE);
    // The agent's clock follows the encoder's gently.
    assert.ok(Math.abs(step - PICTURE) < PICTURE / 2, `${step / 90} ms before picture ${i}`);
  }
}

const byCapture = (files: readonly FilmFile[]): FilmFile[][] => [
  ...Map.groupBy(files, ({ capture }) => capture).values(),
];

/** @returns the films that were made of so many seconds of the recording. */
async function film(t: TestContext, seconds: number, rule: { mostMs?: number } = {}) {
  const rig = await startRig(t);
  rig.watch('cam', rule);
  await rig.play({ cam: recording() }, 0, seconds);
  return { rig, films: byCapture(await rig.files()) };
}

describe('a feed that is watched', () => {
  it('is filmed from ten seconds before something moves to twenty after, and goes on in a next film without a gap', async (t) => {
    const { films } = await film(t, 96, { mostMs: 40_000 });
    const [first = [], second = [], third = []] = films;
    assert.equal(films.length, 3);
    assert.ok(films.flat().every(({ trigger }) => trigger === 'pir'));

    const seconds = films
      .map((files) => files[0]?.timestamp ?? 0)
      .map((at) => at - Date.UTC(2026, 10, 21) / 1_000);
    assert.ok((seconds[0] ?? 0) >= 12 && (seconds[0] ?? 0) <= 14, `${seconds}`);
    assert.deepEqual(
      films.map((files) => files.map(({ segment }) => segment)),
      films.map((files) => [...files.keys()]),
    );

    const one = read(first);
    assert.deepEqual(one.damage, []);
    // Groups are two seconds long; the box has gone after 15 s, and what it left behind a little later.
    const length = one.video.length / RATE;
    assert.ok(length >= 31 && length <= 39, `${length} s`);
    const before = (seconds[0] ?? 0) - 12 + 10;
    assert.ok(before >= 8, `${before}`);
    assertNoGap(one.video);
    const sound = one.audio;
    assert.ok(
      Math.abs((sound.at(-1)?.pts ?? 0) - (one.video.at(-1)?.pts ?? 0)) < 90_000,
      'sound ends with the picture',
    );
    assert.ok(Math.abs((sound[0]?.pts ?? 0) - (one.video[0]?.pts ?? 0)) < 90_000, 'and begins with it');

    // Each file's sound begins and ends with its picture, so that they fit each other when they are joined.
    for (const file of films.flat().slice(0, -1)) {
      const { video, audio } = read([file]);
      const [begin, end] = [video[0]?.pts ?? 0, (video.at(-1)?.pts ?? 0) + PICTURE];
      assert.ok(Math.abs((audio[0]?.pts ?? 0) - begin) <= SOUND, `begin of ${file.segment}`);
      assert.ok(Math.abs((audio.at(-1)?.pts ?? 0) + SOUND - end) <= SOUND, `end of ${file.segment}`);
    }
    const frames = films.flatMap((files) => read(files).audio).map(({ pts }) => pts);
    const twice = frames.filter((pts, i) => i > 0 && pts <= (frames[i - 1] as number));
    assert.deepEqual(twice, [], 'no sound is there twice');

    const [two, three] = [read(second), read(third)];
    assert.deepEqual([...two.damage, ...three.damage], []);
    assert.ok(Math.abs(two.video.length / RATE - 40) <= 2, `${two.video.length / RATE} s`);
    assertNoGap([...two.video, ...three.video]);
    for (const file of [first.at(0), second.at(-1), third.at(0)]) assert.equal(file && complaints(file), '');
  });

  it('that is a stream is filmed as it is heard: of a microphone that is muted there is no sound', async (t) => {
    const rig = await startRig(t);
    rig.combine('stream/front', ['cam', 'mic']);
    rig.watch('stream/front');
    const feeds = { cam: recording('v'), mic: recording('a') };
    await rig.play(feeds, 0, 19);
    rig.combine('stream/front', ['cam']);
    await rig.play(feeds, 19, 32);
    const files = await rig.files();
    const muted = files.map((file) => ({ ...read([file]), file }));
    const lastSound = Math.max(...muted.flatMap(({ audio }) => audio.map(({ pts }) => pts)));
    const firstPicture = muted[0]?.video[0]?.pts ?? 0;
    const lastPicture = muted.at(-1)?.video.at(-1)?.pts ?? 0;
    assert.ok(lastSound - firstPicture > 10 * 90_000, 'it was heard before');
    assert.ok(lastPicture - lastSound > 10 * 90_000, 'and not after');
    assertNoGap(muted.flatMap(({ video }) => video));
    for (const { file } of muted) assert.equal(complaints(file), '');
  });

  it('is not filmed while the camera is disarmed, and a film ends when it is', async (t) => {
    const rig = await startRig(t);
    rig.watch('cam');
    await rig.play({ cam: recording() }, 0, 16);
    assert.equal(rig.motion.state('cam').isFilming, true);
    await rig.camera.tell('disarm');
    assert.equal(rig.motion.state('cam').isFilming, false);
    await rig.play({ cam: recording() }, 44, 50);
    assert.equal(rig.motion.state('cam').isFilming, false);
    assert.ok((rig.motion.state('cam').lastMotion ?? 0) > 0);
    await rig.camera.tell('arm');
    await rig.play({ cam: recording() }, 50, 55);
    assert.equal(rig.motion.state('cam').isFilming, true);
  });

  it('is filmed when somebody asks, where there is no camera program', async (t) => {
    const rig = await startRig(t);
    await assert.rejects(rig.camera.tell('capture'), { code: 'camera-none' });
    rig.watch('cam');
    await assert.rejects(rig.camera.tell('capture'), { code: 'camera-absent' });
    await rig.play({ cam: recording() }, 16, 30);
    await rig.camera.tell('capture');
    await rig.play({ cam: recording() }, 30, 44);
    const files = await rig.files();
    assert.ok(files.every(({ trigger }) => trigger === 'cap'));
    const { video, damage } = read(files);
    assert.deepEqual(damage, []);
    assert.ok(video.length / RATE > 22, `${video.length / RATE} s`);
  });

  it('that has no picture is said to have none', async (t) => {
    const rig = await startRig(t);
    rig.watch('mic');
    await rig.play({ mic: recording('a') }, 0, 10);
    assert.equal(rig.motion.state('mic').trouble, null);
    await rig.play({ mic: recording('a') }, 10, 20);
    assert.match(rig.motion.state('mic').trouble ?? '', /no key picture comes/);
  });

  it('that ends in the midst of a film ends it, and is watched again when it comes back', async (t) => {
    const rig = await startRig(t);
    rig.watch('cam');
    await rig.play({ cam: recording() }, 0, 16);
    rig.stop('cam');
    rig.clock.advance(10_000);
    assert.equal(rig.motion.state('cam').isFilming, false);
    await rig.play({ cam: recording() }, 0, 16);
    assert.equal(rig.motion.state('cam').isFilming, true);
    const films = byCapture(await rig.files());
    assert.equal(films.length, 2);
    for (const files of films) assert.deepEqual(read(files).damage, []);
  });
});
