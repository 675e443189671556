import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestBody } from '@perch/protocol';
import { millis } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import fc from 'fast-check';
import type { Answer } from '../../packages/relay/src/devices/control/requests.ts';
import { agentSide, noItems, passTime, turn } from './support/agent-side.ts';
import { ControlRelay } from './support/control-relay.ts';
import { CuttingProxy } from './support/cutting-proxy.ts';

const DEVICE = 'kitchen-x7k2';
const TIMEOUT_MS = process.env.PERCH_LONG ? 3_600_000 : 120_000;
const RUNS = process.env.PERCH_LONG ? 2_000 : 60;
/** Longer than all cuts of a run take. */
const LONG = millis(24 * 3_600_000);

/** What a run does, one after the other. `turns`: how long it waits for the network in between. */
type Step =
  | { readonly do: 'put' | 'command'; readonly turns: number }
  | { readonly do: 'cut'; readonly turns: number }
  | { readonly do: 'cut-after'; readonly bytes: number; readonly turns: number }
  | { readonly do: 'restart'; readonly turns: number };

const turns = fc.nat(6);
const asking = fc.record({ do: fc.constantFrom('put' as const, 'command' as const), turns });
const cutting = fc.oneof(
  fc.record({ do: fc.constant('cut' as const), turns }),
  fc.record({ do: fc.constant('cut-after' as const), bytes: fc.integer({ min: 1, max: 400 }), turns }),
);
const restarting = fc.record({ do: fc.constant('restart' as const), turns });

/** Does the steps with a real relay's side, a real agent's side and real WebSockets; then waits for every answer. */
async function run(steps: readonly Step[]) {
  const clock = new FakeClock();
  await using relay = await ControlRelay.open(clock);
  await using proxy = await CuttingProxy.open(relay.port);
  const done = { puts: new Map<string, number>(), commands: 0 };
  const perform = async (body: RequestBody): Promise<unknown> => {
    for (let i = 0; i < (body.kind === 'command' ? 3 : 1); i++) await turn();
    if (body.kind === 'command') return ++done.commands;
    if (body.kind !== 'streams.put') throw new TypeError(`unexpected ${body.kind}`);
    const { stream } = body.rule as { stream: string };
    done.puts.set(stream, (done.puts.get(stream) ?? 0) + 1);
    return body.rule;
  };
  const state = () => ({
    ...noItems,
    streams: [...done.puts].map(([stream, times]) => ({ stream, times, commands: done.commands })),
  });
  const start = () => agentSide({ relays: [proxy.url], clock, perform, state });
  let agent = await start();
  const link = relay.links.of(DEVICE);
  const isWaiting = () => agent.control.status.state === 'waiting';
  const isOnline = () => link.line !== undefined;
  await passTime(clock, isOnline, isWaiting);

  const asked: { readonly body: RequestBody; readonly answer: Promise<Answer>; got?: Answer }[] = [];
  for (const [i, step] of steps.entries()) {
    if (step.do === 'cut') proxy.cut();
    else if (step.do === 'cut-after') proxy.cutAfter(step.bytes);
    else if (step.do === 'restart') {
      await agent.control.close();
      agent = await start();
    } else {
      await passTime(clock, isOnline, isWaiting);
      const body: RequestBody =
        step.do === 'put'
          ? { kind: 'streams.put', rule: { stream: `stream/${i}`, feeds: ['v'] } }
          : { kind: 'command', command: 'capture' };
      const entry: (typeof asked)[number] = { body, answer: link.requests.ask(body, { within: LONG }) };
      void entry.answer.then((answer) => {
        assert.equal(entry.got, undefined, 'answered once');
        entry.got = answer;
      });
      asked.push(entry);
    }
    for (let n = 0; n < step.turns; n++) await turn();
  }
  proxy.cutAfter(Number.POSITIVE_INFINITY);
  await passTime(clock, () => asked.every(({ got }) => got), isWaiting);
  using _watching = link.watch(() => {
    // so that changes are told each second
  });
  const shown = () => JSON.stringify(link.sight.state?.streams) === JSON.stringify(state().streams);
  const isThere = () => isWaiting() || agent.control.status.state === 'connected';
  await passTime(clock, () => isOnline() && shown(), isThere);
  await agent.control.close();
  return { asked, done, pending: link.requests.pending };
}

const count = (asked: Awaited<ReturnType<typeof run>>['asked'], kind: string, got: Answer['kind']) =>
  asked.filter(({ body, got: answer }) => body.kind === kind && answer?.kind === got).length;

test('however often the line is cut, each request is done once and answered once', {
  timeout: TIMEOUT_MS,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 2, arbitrary: asking }, cutting), { maxLength: 40 }),
      async (steps) => {
        const { asked, done, pending } = await run(steps);
        assert.equal(pending, 0);
        for (const { got } of asked) assert.ok(got?.kind === 'done' || got?.kind === 'offline', got?.kind);
        assert.equal(done.commands, count(asked, 'command', 'done'));
        assert.equal(done.puts.size, count(asked, 'streams.put', 'done'));
        for (const times of done.puts.values()) assert.equal(times, 1);
      },
    ),
    { numRuns: RUNS },
  );
});

test('an agent that is started anew in between does no command twice, and nobody is told that one was done which was not', {
  timeout: TIMEOUT_MS,
}, async () => {
  const steps = fc.array(fc.oneof({ weight: 3, arbitrary: asking }, cutting, restarting), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(steps, async (some) => {
      const { asked, done } = await run(some);
      const told = count(asked, 'command', 'done');
      const unknown = count(asked, 'command', 'unknown');
      assert.ok(told <= done.commands && done.commands <= told + unknown, 'a command is done at most once');
      for (const { body, got } of asked) {
        if (body.kind !== 'streams.put' || got?.kind !== 'done') continue;
        assert.ok(done.puts.has((body.rule as { stream: string }).stream), 'what was answered was done');
      }
      assert.equal(count(asked, 'streams.put', 'unknown'), 0, 'what may be repeated is always answered');
    }),
    { numRuns: RUNS },
  );
});
