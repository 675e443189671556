// The command lines of vw's README, unchanged but for the port and what this machine has no camera for.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { Client, FarEnd, startTestAgent } from '../conformance/vw-harness.ts';

const run = promisify(execFile);

/** Runs a README line in a shell, as its reader would. */
const shell = async (line: string): Promise<string> => (await run('sh', ['-c', line])).stdout;

/** A README line that goes on until the test is over. */
function inBackground(t: TestContext, line: string): void {
  const child = spawn('sh', ['-c', `exec ${line}`], { stdio: 'ignore' });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  });
}

/** What ffprobe finds in a run of bytes. */
async function probe(
  t: TestContext,
  bytes: Buffer,
): Promise<{ codec: string; width?: number; pid: string }[]> {
  const folder = await mkdtemp(join(tmpdir(), 'perch-readme-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'heard.mpegts');
  await writeFile(file, bytes);
  const { stdout } = await run('ffprobe', [
    '-v',
    'quiet',
    '-of',
    'json',
    '-show_streams',
    '-f',
    'mpegts',
    file,
  ]);
  const { streams } = JSON.parse(stdout) as { streams: { codec_name: string; width?: number; id: string }[] };
  return streams.map(({ codec_name: codec, width, id: pid }) => ({
    codec,
    pid,
    ...(width !== undefined && { width }),
  }));
}

const VIDEO =
  'ffmpeg -re -f lavfi -i testsrc=size=640x480:rate=24 -f mpegts -codec:v mpeg1video -s 640x480 -b:v 1000k -bf 0';

test("vw README's video line is heard as MPEG-1 video of 640×480", async (t) => {
  const { url, port } = await startTestAgent(t);
  const viewer = await Client.connect(t, `${url}/ws/video0`);
  inBackground(t, `${VIDEO} http://localhost:${port}/ts/video0`);
  await viewer.untilBytes(150_000);
  const [video] = await probe(t, viewer.bytes);
  assert.deepEqual(video, { codec: 'mpeg1video', width: 640, pid: '0x100' });
});

for (const [codec, rate, name] of [
  ['libmp3lame', '24k', 'mp3'],
  ['mp2', '128k', 'mp2'],
] as const) {
  test(`vw README's audio line with ${codec} is heard as ${name}`, async (t) => {
    const { url, port } = await startTestAgent(t);
    const viewer = await Client.connect(t, `${url}/ws/audio0`);
    const line = `ffmpeg -re -f lavfi -i sine=frequency=440:sample_rate=44100 -f mpegts -codec:a ${codec} -b:a ${rate}`;
    inBackground(t, `${line} -muxdelay 0.001 http://localhost:${port}/ts/audio0`);
    await viewer.untilBytes(10_000);
    // ffprobe cannot tell MPEG audio layers apart before it has seen enough; the layer is what we ask for.
    const [audio] = await probe(t, viewer.bytes);
    assert.equal(audio?.codec, name);
  });
}

test("vw README's audio and video to one feed are both there", async (t) => {
  const { url, port } = await startTestAgent(t);
  const viewer = await Client.connect(t, `${url}/ws/av`);
  const audio = '-f lavfi -i sine=frequency=440 -codec:a mp2 -b:a 128k';
  const input = 'ffmpeg -re -f lavfi -i testsrc=size=640x480:rate=24';
  inBackground(
    t,
    `${input} ${audio} -f mpegts -codec:v mpeg1video -b:v 1000k -bf 0 -muxdelay 0.001 http://localhost:${port}/ts/av`,
  );
  await viewer.untilBytes(200_000);
  const codecs = (await probe(t, viewer.bytes)).map(({ codec }) => codec);
  assert.deepEqual(codecs.sort(), ['mp2', 'mpeg1video']);
});

test("vw README's curl lines get the documented answers, and the stream reaches its destination", async (t) => {
  const far = await FarEnd.open(t);
  const { port } = await startTestAgent(t);
  const at = `http://localhost:${port}`;
  assert.equal(await shell(`curl -s ${at}/healthcheck`), '"ok"\n');
  const stream = '{"stream":"/stream/front/large","feeds":["video0","audio0"]}';
  assert.equal(
    await shell(`curl -s -X POST -H "Content-Type: application/json" -d '${stream}' ${at}/api/streams`),
    '{"stream":"stream/front/large","feeds":["video0","audio0"]}',
  );
  const destination = `{"stream":"/stream/front/large","destination":"${far.url}/in/video0","id":"0"}`;
  assert.equal(
    await shell(
      `curl -s -X POST -H "Content-Type: application/json" -d '${destination}' ${at}/api/destinations`,
    ),
    `{"id":"0","stream":"stream/front/large","destination":"${far.url}/in/video0","token":""}`,
  );
  assert.equal(
    await shell(`curl -s -X GET ${at}/api/streams/all`),
    '{"stream/front/large":["video0","audio0"]}',
  );
  assert.equal(await shell(`curl -s -X GET ${at}/api/streams/stream/front/large`), '["video0","audio0"]');
  assert.match(
    await shell(`curl -s -X GET ${at}/api/destinations/0`),
    /^\{"id":"0","stream":"stream\/front\/large"/,
  );

  inBackground(t, `${VIDEO} ${at}/ts/video0`);
  const client = await far.arrival(0);
  await client.untilBytes(100_000);
  assert.equal((await probe(t, client.content))[0]?.codec, 'mpeg1video');

  assert.equal(await shell(`curl -s -X DELETE ${at}/api/streams/stream/front/large`), '"stream/front/large"');
  assert.equal(await shell(`curl -s -X DELETE ${at}/api/destinations/all`), '"deleteAll"');
  assert.equal(await client.closed, 1000);
  assert.equal(await shell(`curl -s ${at}/api/destinations/all`), '{}');
});
