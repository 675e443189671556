import type { RequestBody, StateItems } from '@perch/protocol';
import { type Logger, silentLogger } from '@perch/runtime';
import type { FakeClock } from '@perch/testkit';
import { ControlConnection } from '../../../packages/agent/src/control/control.ts';
import type { RelayList } from '../../../packages/agent/src/control/relay-list.ts';
import { makeDialer } from '../../../packages/agent/src/uplink/dial.ts';

export const noItems: StateItems = { feeds: [], streams: [], destinations: [], sources: [], cameras: [] };

/** An agent's control connection with a list of relays in memory, and the state and actions that a test gives it. */
export async function agentSide(options: {
  readonly relays: readonly string[];
  readonly clock: FakeClock;
  readonly device?: string;
  readonly state?: () => StateItems;
  readonly perform?: (body: RequestBody) => Promise<unknown>;
  readonly logger?: Logger;
  /** What is on its disk. */
  readonly disk?: { list: RelayList | undefined };
}) {
  const { clock, relays, device = 'kitchen-x7k2', disk = { list: undefined } } = options;
  const control = new ControlConnection({
    relays,
    file: {
      load: async () => disk.list,
      save: async (list) => {
        disk.list = list;
      },
    },
    identity: {
      headers: async () => ({ Device: device }),
      alsoAt: () => undefined,
      skew: { heard: () => undefined },
    },
    dialer: await makeDialer(),
    software: 'perch/test',
    state: options.state ?? (() => noItems),
    perform: options.perform ?? (async () => null),
    clock,
    random: () => 0.5,
    logger: options.logger ?? silentLogger,
  });
  await control.start();
  return { control, disk };
}

export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Resolves when `holds`, looked at each turn of the event loop. */
export const until = (holds: () => boolean): Promise<void> => passTime(undefined, holds, () => false);

/** Waits until `holds`, and moves time on whenever it `mayPass`: never while something is on its way that takes no time. */
export async function passTime(
  clock: FakeClock | undefined,
  holds: () => boolean,
  mayPass: () => boolean,
): Promise<void> {
  for (let n = 0; !holds(); n++) {
    // A test that waits in vain must end by itself.
    if (n > MOST_TURNS) throw new Error(`in vain: ${holds}`);
    await turn();
    if (mayPass()) clock?.advance(100);
  }
}

const MOST_TURNS = 5_000_000;
