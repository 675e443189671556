import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { demoSource } from './demo.ts';
import { Source, type SourceState } from './source.ts';

const shell = (clock: FakeClock, script: string) =>
  new Source({
    name: 'test',
    feed: 'v',
    command: (url) => ['sh', '-c', script, 'sh', url],
    publishUrl: 'http://127.0.0.1:1/ts/v',
    clock,
    logger: silentLogger,
  });

async function until<K extends SourceState['kind']>(
  source: Source,
  kind: K,
): Promise<SourceState & { kind: K }> {
  for (;;) {
    const { state } = source;
    if (state.kind === kind) return state as SourceState & { kind: K };
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // there is no such process
  }
};

test('a source that dies is started again after a pause that grows, and says what it said last', async () => {
  const clock = new FakeClock();
  await using source = shell(clock, 'echo "no camera at $1" >&2; exit 3');
  source.start();
  for (const [least, most] of [
    [750, 1250],
    [1500, 2500],
  ] as const) {
    const waiting = await until(source, 'waiting');
    assert.match(waiting.error, /exit code 3: no camera at http:/);
    const pause = waiting.nextTryAt - clock.now();
    assert.ok(pause >= least && pause <= most, `${pause}`);
    clock.advance(pause);
    assert.equal(source.state.kind, 'running');
  }
  assert.equal(source.restarts, 2);
  assert.match(source.lastLines.at(-1) ?? '', /no camera/);
});

test('a source that we close is gone, and not started again', async () => {
  const clock = new FakeClock();
  const source = shell(clock, 'exec sleep 1000');
  source.start();
  const { pid } = await until(source, 'running');
  await source.close();
  assert.equal(isAlive(pid), false);
  assert.deepEqual([source.state.kind, clock.pending], ['closed', 0]);
  await source.close();
});

test('a source that does not end by itself is killed after 2 s', async () => {
  const clock = new FakeClock();
  const source = shell(clock, 'trap "" TERM; echo ready >&2; while :; do sleep 0.01; done');
  source.start();
  const { pid } = await until(source, 'running');
  while (source.lastLines.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const closed = source.close();
  assert.equal(isAlive(pid), true);
  clock.advance(2_000);
  await closed;
  assert.equal(isAlive(pid), false);
});

test('a source can be closed in the pause', async () => {
  const clock = new FakeClock();
  const source = shell(clock, 'exit 1');
  source.start();
  await until(source, 'waiting');
  await source.close();
  assert.equal(clock.pending, 0);
  clock.advance(60_000);
  assert.equal(source.state.kind, 'closed');
});

test('a program that is not there is named, with the way to get it', async () => {
  const clock = new FakeClock();
  await using source = new Source({
    name: 'test',
    feed: 'v',
    command: () => ['perch-no-such-program'],
    publishUrl: '',
    clock,
    logger: silentLogger,
  });
  source.start();
  const { error } = await until(source, 'waiting');
  assert.match(error, /perch-no-such-program is not installed: install it/);
});

test('an endless line on stderr is cut, and few lines are kept', async () => {
  const clock = new FakeClock();
  await using source = shell(
    clock,
    'head -c 100000 /dev/zero | tr "\\0" x >&2; for i in $(seq 100); do echo $i >&2; done; exit 1',
  );
  source.start();
  await until(source, 'waiting');
  assert.ok(source.lastLines.length <= 20);
  assert.ok(source.lastLines.every((line) => line.length <= 500));
  assert.equal(source.lastLines.at(-1), '100');
});

test('an empty command is misuse', () => {
  assert.throws(
    () =>
      new Source({
        name: 'x',
        feed: 'v',
        command: () => [],
        publishUrl: '',
        clock: new FakeClock(),
        logger: silentLogger,
      }),
    /^TypeError: sources: "x" has an empty command/,
  );
});

test('the demo posts a picture and a tone to the address that it is given', () => {
  const command = demoSource('demo').command('http://127.0.0.1:1/ts/demo');
  assert.equal(command[0], 'ffmpeg');
  assert.equal(command.at(-1), 'http://127.0.0.1:1/ts/demo');
  assert.ok(command.includes('libx264') && command.includes('aac'));
});
