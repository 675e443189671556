import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { Decoder, type DecoderState } from './decoder.ts';
import { motionLimits } from './limits.ts';
import { record } from './testing/rig.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const MESSAGE = new Uint8Array(188);

function make(t: TestContext, command?: readonly string[]) {
  const clock = new FakeClock();
  const stamps: number[] = [];
  const decoder = new Decoder({
    feed: 'v',
    onPicture: (_, pts) => stamps.push(pts),
    ...(command && { command }),
    clock,
    logger: silentLogger,
  });
  t.after(() => decoder.close());
  const until = async <K extends DecoderState['kind']>(kind: K): Promise<DecoderState & { kind: K }> => {
    for (;;) {
      const { state } = decoder;
      if (state.kind === kind) return state as DecoderState & { kind: K };
      await turn();
    }
  };
  return { clock, decoder, stamps, until };
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // there is no such process
  }
};

test('pictures come with the time stamps of the stream, five in a second', async (t) => {
  const { decoder, stamps } = make(t);
  for (const { bytes, mark } of record(4, [], 'v'))
    decoder.push(bytes, mark.randomAccess && mark.class === 'video');
  while (stamps.length < 15) await turn();
  const steps = stamps.slice(1).map((pts, i) => pts - (stamps[i] as number));
  assert.ok(
    steps.every((step) => step === 18_000),
    `${steps}`,
  );
});

test('time stamps that begin anew after 26.5 hours are those of the stream too', async (t) => {
  const { decoder, stamps } = make(t);
  const wrap = 2 ** 33;
  for (const { bytes, mark } of record(4, [], 'v', wrap / 90_000 - 3))
    decoder.push(bytes, mark.randomAccess && mark.class === 'video');
  while (stamps.length < 15) await turn();
  const near = stamps.map((pts) => Math.abs((((pts % wrap) + 1.5 * wrap) % wrap) - 0.5 * wrap));
  assert.ok(
    near.every((distance) => distance < 4 * 90_000),
    `${stamps}`,
  );
});

test('nothing runs before the first random access point, and nothing that rests', async (t) => {
  const { decoder, until } = make(t, ['sh', '-c', 'exec cat >/dev/null']);
  decoder.push(MESSAGE, false);
  assert.equal(decoder.state.kind, 'idle');
  decoder.push(MESSAGE, true);
  const { pid } = await until('running');
  decoder.rest();
  assert.equal(decoder.state.kind, 'idle');
  await decoder.close();
  assert.equal(isAlive(pid), false);
});

test('a decoder that is killed is started again after a pause, with the next random access point', async (t) => {
  const { clock, decoder, until } = make(t, ['sh', '-c', 'echo bad luck >&2; exec cat >/dev/null']);
  decoder.push(MESSAGE, true);
  const { pid } = await until('running');
  process.kill(pid, 'SIGKILL');
  const { error } = await until('waiting');
  assert.match(error, /killed by SIGKILL/);
  decoder.push(MESSAGE, true);
  assert.equal(decoder.state.kind, 'waiting');
  clock.advance(2_000);
  decoder.push(MESSAGE, true);
  assert.notEqual((await until('running')).pid, pid);
  assert.equal(decoder.restarts, 1);
});

test('one that is fed and gives no picture is started anew', async (t) => {
  const { clock, decoder, until } = make(t, ['sh', '-c', 'exec cat >/dev/null']);
  decoder.push(MESSAGE, true);
  await until('running');
  clock.advance(2 * motionLimits.decoderSilence);
  assert.match((await until('waiting')).error, /SIGKILL/);
});

test('a decoder that is behind is not waited for: it goes on with a random access point', async (t) => {
  const { decoder, until } = make(t, ['sh', '-c', 'exec sleep 1000']);
  decoder.push(MESSAGE, true);
  await until('running');
  const large = new Uint8Array(1024 * 1024);
  for (let i = 0; i < 20; i++) decoder.push(large, false);
  assert.ok(decoder.dropped > 10 * large.length, `${decoder.dropped}`);
  const before = decoder.dropped;
  decoder.push(MESSAGE, false);
  assert.equal(decoder.dropped, before + MESSAGE.length, 'not in the midst of a group');
});

test('a program that is not there is named, with the way to get it', async (t) => {
  const { decoder, until } = make(t, ['perch-no-such-program']);
  decoder.push(MESSAGE, true);
  assert.match((await until('waiting')).error, /perch-no-such-program is not installed: install it/);
});
