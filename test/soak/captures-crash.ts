import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CameraProgram } from './captures-camera.ts';
import { complaintsOf, hashOf, SegmentMaker, seeded } from './captures-film.ts';
import { House, sides } from './captures-house.ts';
import { cutPower } from './captures-platter.ts';

export interface CrashOptions {
  readonly runs: number;
  readonly seed: number;
  readonly say: (words: string) => void;
}

/** A run kills within the start-up, or so much after it, in ms. */
const START_UP_MS = 800;
const RUN_MS = 1_200;
/** Longer no start takes. */
const LONGEST_START_MS = 20_000;
/** Operations of disk and database after which a process ends itself, at most. */
const OPERATIONS = 150;
const DRAIN_MS = 120_000;

/**
 * Kills a real agent and a real relay again and again, at random moments and in the midst of writes, with and without a
 * power cut, while a camera program films; lets all come home; and judges what is there.
 *
 * @throws where something that was promised is missing, anything is there twice or left over, or a film does not decode.
 */
export async function crashRuns({ runs, seed, say }: CrashOptions): Promise<void> {
  const random = seeded(seed);
  await using house = await House.open();
  const maker = await SegmentMaker.open(house.directory);
  const camera = new CameraProgram(house, maker, random);
  const deaths = { agent: 0, relay: 0, 'by itself': 0, 'power cut': 0 };
  for (let run = 1; run <= runs; run++) {
    for (const side of sides) {
      const program = house.programs[side];
      if (!program.isRunning)
        program.start(random() < 0.4 ? 1 + Math.floor(random() * OPERATIONS) : undefined);
    }
    const end = await whenToKill(house, random);
    const filming = filmUntil(house, camera, random, end);
    await watch(house, camera, random, end);
    const victims = sides.filter((side) => !house.programs[side].isRunning || random() < 0.6);
    for (const side of victims) {
      if (!house.programs[side].isRunning) deaths['by itself']++;
      deaths[side]++;
      const isPower = random() < 0.5;
      await house.programs[side].kill({ withAll: isPower });
      if (side === 'agent') await camera.agentIsGone();
      if (!isPower) continue;
      deaths['power cut']++;
      await cutPower(house.platters[side], random);
    }
    await filming;
    if (run % 20 === 0) say(`${run} runs, ${camera.promised.size} segments promised`);
  }
  say(`ends: ${JSON.stringify(deaths)}`);
  await comeHome(house, camera);
  await judge(house, camera, say);
}

async function whenToKill(house: House, random: () => number): Promise<number> {
  const began = performance.now();
  if (random() < 0.3) return began + random() * START_UP_MS;
  const ready = Promise.all(sides.map((side) => house.programs[side].ready));
  await Promise.race([ready, until(began + LONGEST_START_MS)]);
  return performance.now() + random() * RUN_MS;
}

/** Films now and then, where there is an agent. */
async function filmUntil(
  house: House,
  camera: CameraProgram,
  random: () => number,
  end: number,
): Promise<void> {
  if (!(await Promise.race([house.programs.agent.ready, until(end)]))) return;
  for (let films = 1 + Math.floor(random() * 3); films > 0 && performance.now() < end; films--) {
    await camera.film();
    await pause(random() * 200);
  }
}

/** Looks at what goes on, as people do, until it is time: which also has films made ready and joined. */
async function watch(house: House, camera: CameraProgram, random: () => number, end: number): Promise<void> {
  const somebody = random() < 0.5 ? showFilms(house, random, end) : Promise.resolve();
  while (performance.now() < end) {
    await Promise.race([camera.look(), until(end)]);
    await pause(Math.min(20, Math.max(0, end - performance.now())));
  }
  await somebody;
}

async function showFilms(house: House, random: () => number, end: number): Promise<void> {
  try {
    if (!(await Promise.race([house.programs.relay.ready, until(end)]))) return;
    const films = await house.json<{ id: string }[]>('/api/v1/captures?limit=5');
    for (const { id } of films) {
      const what = ['video.mp4', 'playlist.m3u8', 'thumbnail.jpg', 'strip.jpg'][Math.floor(random() * 4)];
      await Promise.race([house.ask(`/api/v1/captures/${id}/${what}`), until(end)]);
    }
  } catch {
    // The relay was not there, or ended meanwhile.
  }
}

const until = (end: number) => pause(Math.max(0, end - performance.now()), undefined, { ref: false });

/** Lets all that waits come home. */
async function comeHome(house: House, camera: CameraProgram): Promise<void> {
  for (const side of sides) {
    await house.programs[side].kill({ withAll: true });
    house.programs[side].start(undefined);
    const { output } = house.programs[side];
    assert.ok(await house.programs[side].ready, `the ${side} does not start: ${output}`);
  }
  await camera.agentIsGone();
  const end = performance.now() + DRAIN_MS;
  for (;;) {
    const status = await house.status();
    if (status && status.segments === 0 && status.events === 0) break;
    assert.ok(
      performance.now() < end,
      `still on the device: ${JSON.stringify(status)}\n${house.programs.agent.output.slice(-2_000)}`,
    );
    await pause(50);
  }
  await camera.look();
}

async function judge(house: House, camera: CameraProgram, say: (words: string) => void): Promise<void> {
  const films = await house.films();
  const times = new Map<string, number>();
  const files = new Map<string, string>();
  for (const film of films) {
    assert.ok(film.complete, `${JSON.stringify(film)} is over`);
    const { id } = film;
    for (const { number, state, sha256, reason } of await house.segments(id)) {
      // What was being taken as the power failed was not promised.
      if (state === 'lost' && reason?.startsWith('the machine went down')) continue;
      assert.equal(state, 'here', `${id} segment ${number}: ${state} ${reason}`);
      const key = sha256 ?? '';
      times.set(key, (times.get(key) ?? 0) + 1);
      files.set(key, `${id} ${number}`);
    }
  }
  const missing = [...camera.promised].filter((hash) => !times.has(hash));
  assert.deepEqual(missing, [], 'every promised segment is at home');
  const twice = [...times].filter(([, count]) => count > 1).map(([hash]) => files.get(hash));
  assert.deepEqual(twice, [], 'nothing is there twice');
  const strange = [...times.keys()].filter((hash) => !camera.named.has(hash));
  assert.deepEqual(strange, [], 'nothing is there that nobody filmed');
  for (const [i, { id, segments, lost, alarms }] of films.entries()) {
    if (segments === 0) {
      assert.ok(alarms + lost > 0, `${id} is empty`);
      continue;
    }
    const answer = await house.ask(`/api/v1/captures/${id}/video.mp4`);
    assert.equal(answer.status, 200, `${id}: ${answer.status === 200 ? '' : await answer.text()}`);
    const path = join(house.directory, 'film.mp4');
    await writeFile(path, Buffer.from(await answer.arrayBuffer()));
    assert.equal(await complaintsOf(path), '', `film ${i} decodes`);
  }
  for (const side of sides) await house.programs[side].end();
  const spool = await readdir(join(house.platters.agent.root, 'captures', 'spool'));
  assert.deepEqual(spool, ['journal'], 'the spool is empty');
  await judgeStore(join(house.platters.relay.root, 'captures'), times);
  say(
    `${camera.named.size} segments named, ${camera.promised.size} promised, ${times.size} at home in ${films.length} films`,
  );
}

/** The relay has the bytes of what it shows, and nothing else. */
async function judgeStore(directory: string, shown: ReadonlyMap<string, number>): Promise<void> {
  assert.deepEqual(await readdir(join(directory, 'arriving')), [], 'nothing arrives any more');
  const entries = await readdir(join(directory, 'films'), { withFileTypes: true, recursive: true });
  const stored: string[] = [];
  for (const entry of entries.filter((each) => each.isFile()))
    stored.push(hashOf(await readFile(join(entry.parentPath, entry.name))));
  assert.deepEqual(stored.sort(), [...shown.keys()].sort(), 'the files are those of the library');
}
