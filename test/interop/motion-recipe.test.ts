import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createWebServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { freePort, type Launched, launch } from '@perch/testkit';
import { Owner } from '../devices/support/owner.ts';
import { perch as runPerch, startPerch } from '../e2e/support/perch.ts';
import { type HeardEvent, readEvents } from '../support/events.ts';
import { MjpegCamera } from './support/mjpeg-camera.ts';

// examples/motion and what docs/guide/captures.md says of it, with Debian's motion, a relay and an agent as real processes.

const root = join(import.meta.dirname, '../..');
const examples = join(root, 'examples/motion');
const recipe = readFileSync(join(examples, 'perch.conf'), 'utf8');
const guide = readFileSync(join(root, 'docs/guide/captures.md'), 'utf8');

/** A text of the recipe for another place. Whatever is to be changed must be in it. */
function changed(original: string, changes: Readonly<Record<string, string>>): string {
  let result = original;
  for (const [from, to] of Object.entries(changes)) {
    assert.ok(result.includes(from), `${from} is in the recipe`);
    result = result.replaceAll(from, to);
  }
  return result;
}

/** All that a test has started, closed in reverse, however it ends. */
function stackOf(t: TestContext): AsyncDisposableStack {
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  return stack;
}

function temporary(stack: AsyncDisposableStack): string {
  const make = () => mkdtempSync(join(tmpdir(), 'perch-motion-'));
  return stack.adopt(make(), (directory) => rmSync(directory, { recursive: true, force: true }));
}

/** Resolves when a program has printed it. */
function printed({ process, output }: Launched, what: RegExp): Promise<void> {
  return new Promise((resolve) => {
    const look = () => what.test(output()) && resolve();
    for (const stream of [process.stdout, process.stderr]) stream?.on('data', look);
    look();
  });
}

/** examples/motion/perch-motion-commands. @returns it, and the port where it listens. */
async function startCommands(stack: AsyncDisposableStack, motionPort: number, seconds: number) {
  const program = join(examples, 'perch-motion-commands');
  const commands = stack.use(
    await launch({ command: [program, '0', `${motionPort}`, `${seconds}`], readyWhen: /listening on \d+\n/ }),
  );
  return { commands, port: Number(/listening on (\d+)/.exec(commands.output())?.[1]) };
}

test("Debian's motion films what moves and what is asked for, and is armed and disarmed", {
  timeout: 90_000,
}, async (t) => {
  const stack = stackOf(t);
  const directory = temporary(stack);
  const films = join(directory, 'camera');
  mkdirSync(films);
  writeFileSync(join(films, 'films'), '');
  const camera = stack.use(await MjpegCamera.start(directory));
  const [webPort, filmPort] = await Promise.all([freePort(), freePort()]);
  const { commands, port } = await startCommands(stack, webPort, 2);

  const conf = join(directory, 'motion.conf');
  writeFileSync(
    conf,
    [
      // What Debian's own has, and the recipe changes.
      ...['movie_filename %t-%v-%Y%m%d%H%M%S', 'webcontrol_port 8080', 'webcontrol_parms 0'],
      ...['daemon off', 'log_level 6', `target_dir ${films}`, 'stream_port 0', 'movie_codec mkv'],
      ...[`netcam_url ${camera.url}`, 'width 320', 'height 240', 'framerate 20'],
      ...[
        'threshold 1500',
        'noise_tune off',
        'noise_level 32',
        'minimum_motion_frames 1',
        'pre_capture 0',
        'event_gap 1',
      ],
      changed(recipe, {
        '/var/lib/motion': films,
        ' 9000 ': ` ${filmPort} `,
        'webcontrol_port 8082': `webcontrol_port ${webPort}`,
        '; area_detect 5': 'area_detect 123456789',
      }),
    ].join('\n'),
  );
  const motion = stack.adopt(
    await launch({
      // Paused: in its first two seconds it only learns what is usual.
      command: ['motion', '-m', '-c', conf],
      env: { ...process.env, PATH: [examples, process.env.PATH].join(delimiter) },
      readyWhen: /Started webcontrol/,
    }),
    // Politely it takes two seconds.
    (program) => program.close('SIGKILL'),
  );
  let hasPassed = false;
  t.after(() => hasPassed || t.diagnostic(`motion: ${motion.output()}\ncommands: ${commands.output()}`));
  const isUsual = printed(motion, /Camera .* connected/).then(() => camera.shown(60));

  const relay = stack.use(
    await startPerch<{ relay: string; signIn: string }>([
      ...['relay', '--listen', '127.0.0.1:0', '--data', join(directory, 'relay')],
    ]),
  );
  const { relay: url, signIn } = relay.ready;
  const owner = await Owner.signIn({ url, signInLink: async () => signIn });
  const order = { method: 'POST', body: { name: 'Yard' } };
  const { code } = await owner.json<{ code: string }>('devices/codes', order);
  const data = join(directory, 'agent');
  await runPerch(['enroll', url, code, '--data', data]);
  const [device] = await owner.json<{ id: string }[]>('devices');
  const [, documented = ''] = /^perch (agent .*--motion_file_list.*)$/m.exec(guide) ?? [];
  stack.use(
    await startPerch([
      ...changed(documented, { '/var/lib/motion': films, ':9001': `:${port}` }).split(' '),
      ...['--listen', '127.0.0.1:0', '--input_port', `${filmPort}`, '--data', data],
    ]),
  );
  const tell = async (command: string) => {
    const path = `devices/${device?.id}/commands`;
    assert.equal((await owner.fetch(path, { method: 'POST', body: { command } })).status, 202);
    await printed(commands, new RegExp(`^${command}: done$`, 'm'));
  };
  const ending = stack.adopt(new AbortController(), (controller) => controller.abort());
  const events = readEvents(await owner.fetch('captures/events', { signal: ending.signal }));

  const died = motion.exited.then((code) => assert.fail(`motion ended with ${code}`));
  died.catch(() => undefined); // only while something is waited for
  const heard = (wanted: (event: HeardEvent) => boolean) => Promise.race([events.until(wanted), died]);
  const alarms = () => events.heard.filter(({ event }) => event === 'alarm');
  const web = async (path: string) => (await fetch(`http://127.0.0.1:${webPort}/0/${path}`)).text();
  /** A film that is complete and can be played. */
  const filmOf = async (wanted: string) => {
    const { data } = await heard(
      ({ event, data: { cause, complete, seconds } }) =>
        event === 'capture' && cause === wanted && complete === true && Number(seconds) > 0,
    );
    return data as { id: string; at: string; seconds: number };
  };

  await Promise.race([isUsual, died]);
  await tell('arm');
  assert.match(await web('detection/status'), /ACTIVE/);
  camera.isMoving = true;
  await heard(({ event }) => event === 'alarm');
  camera.isMoving = false;
  const moved = await filmOf('motion');
  const file = join(films, '0', `pir.${Date.parse(moved.at) / 1_000}.0.mkv`);
  const kept = await owner.fetch(`captures/${moved.id}/segments/0`);
  assert.ok(
    readFileSync(file).equals(new Uint8Array(await kept.arrayBuffer())),
    'it is the file that motion wrote',
  );
  const probe = ['-v', 'error', '-count_frames', '-show_entries', 'stream=codec_name,nb_read_frames'];
  assert.match(
    (await promisify(execFile)('ffprobe', [...probe, '-of', 'csv=p=0', file])).stdout,
    /^h264,[1-9]\d*\n$/,
  );

  await tell('disarm');
  assert.match(await web('detection/status'), /PAUSE/);
  const { length: alarmsBefore } = alarms();
  camera.isMoving = true;
  await camera.shown(20);
  await tell('capture');
  const asked = await filmOf('asked');
  assert.ok(asked.seconds > 0.5, `${asked.seconds} s`);
  assert.match(await web('config/get?query=movie_filename'), /= %t\/pir\.%s\.0 /);
  assert.equal(alarms().length, alarmsBefore, 'what moves while it is disarmed is no alarm');
  const all = await owner.json<{ id: string; cause: string; lost: number }[]>('captures');
  const askedFor = all.filter(({ cause }) => cause === 'asked');
  assert.deepEqual(
    askedFor.map(({ id }) => id),
    [asked.id],
  );
  assert.ok(all.every(({ lost }) => lost === 0));
  assert.equal(readFileSync(join(films, 'films'), 'utf8'), '', 'the list is for when the agent is down');
  hasPassed = true;
});

test('of what is sent only commands count; a film is asked of each camera, and ended with who asked', {
  timeout: 30_000,
}, async (t) => {
  const stack = stackOf(t);
  const asked: string[] = [];
  const motion = createWebServer((request, response) => {
    const { url = '' } = request;
    const ids = url === '/0/detection/status' ? [1, 12] : [];
    if (ids.length === 0) asked.push(url);
    response.end(ids.map((id) => `Camera ${id} Detection status ACTIVE \n`).join(''));
  }).listen(0, '127.0.0.1');
  stack.defer(() => void motion.close());
  await once(motion, 'listening');
  const { commands, port } = await startCommands(stack, (motion.address() as AddressInfo).port, 3_600);
  const socket = stack.adopt(createSocket('udp4'), (udp) => void udp.close());
  for (const said of [
    '{"command":"arm"}',
    'nonsense',
    '{"command":"end of capture"}',
    '{"command":"capture"}',
  ])
    await new Promise((resolve) => socket.send(said, port, '127.0.0.1', resolve));
  await printed(commands, /capture: done/);
  await commands.close();
  const named = (cause: string) =>
    [1, 12].map((id) => `/${id}/config/set?movie_filename=%25t/${cause}.%25s.0`);
  assert.deepEqual(asked, [
    '/0/detection/start',
    ...[...named('cap'), '/0/action/eventstart'],
    ...[...named('pir'), '/0/action/eventend'],
  ]);
  assert.equal(await commands.exited, 0);
});

test('a motion that does not answer or refuses is said, and the next command is heard', {
  timeout: 30_000,
}, async (t) => {
  const stack = stackOf(t);
  const webPort = await freePort();
  const { commands, port } = await startCommands(stack, webPort, 3_600);
  const socket = stack.adopt(createSocket('udp4'), (udp) => void udp.close());
  socket.send('{"command":"disarm"}', port, '127.0.0.1');
  await printed(commands, new RegExp(`disarm: motion does not answer on port ${webPort}\n`));
  // As motion does it where its parameters may not be set.
  const motion = createWebServer((_, response) => response.end('<p>Bad Request</p>')).listen(
    webPort,
    '127.0.0.1',
  );
  stack.defer(() => void motion.close());
  await once(motion, 'listening');
  socket.send('{"command":"arm"}', port, '127.0.0.1');
  await printed(commands, /arm: motion refuses \/0\/detection\/start/);
});

test('a motion that was started anew is disarmed again', { timeout: 30_000 }, async (t) => {
  const stack = stackOf(t);
  let isArmed = true;
  const paused = Promise.withResolvers<void>();
  let pauses = 0;
  const motion = createWebServer(({ url }, response) => {
    if (url === '/0/detection/pause') {
      isArmed = ++pauses === 1;
      if (!isArmed) paused.resolve();
    }
    response.end(`Camera 0 Detection status ${isArmed ? 'ACTIVE' : 'PAUSE'} \n`);
  }).listen(0, '127.0.0.1');
  stack.defer(() => void motion.close());
  await once(motion, 'listening');
  const { port } = await startCommands(stack, (motion.address() as AddressInfo).port, 3_600);
  const socket = stack.adopt(createSocket('udp4'), (udp) => void udp.close());
  socket.send('{"command":"disarm"}', port, '127.0.0.1');
  await paused.promise;
});

test('a film is told over the socket, or in the list while nobody has read it, whatever is in its name', {
  timeout: 30_000,
}, async (t) => {
  const stack = stackOf(t);
  const directory = temporary(stack);
  const list = join(directory, 'films');
  const agent = createServer().listen(0, '127.0.0.1');
  stack.defer(() => void agent.close());
  await once(agent, 'listening');
  const { port } = agent.address() as AddressInfo;
  const program = join(examples, 'perch-motion-tell');
  const run = promisify(execFile);
  const film = '/film "50 %"\\für/cap.1795000000.0.mkv';
  const heard = once(agent, 'connection').then(([connection]) => text(connection));
  await run(program, [`${port}`, 'film', film, list]);
  assert.deepEqual(JSON.parse(await heard), { segment: film });

  agent.once('connection', (socket) => socket.resetAndDestroy());
  await run(program, [`${port}`, 'film', '/reset', list]);
  agent.close();
  await once(agent, 'close');
  await run(program, [`${port}`, 'film', film, list]);
  assert.equal(readFileSync(list, 'utf8'), `/reset\n${film}\n`);
  await assert.rejects(run(program, [`${port}`, 'alarm']), /no agent on port/);
});
