import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type CameraCommand, cameraLimits, noState } from '@perch/protocol';
import { silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import fc from 'fast-check';
import { parseDatabaseAddress } from '../storage/address.ts';
import type { Database } from '../storage/database.ts';
import { openDatabase } from '../storage/open.ts';
import type { CameraWay, Delivery } from './camera-way.ts';
import { Cameras } from './cameras.ts';

const data = mkdtempSync(join(tmpdir(), 'perch-cameras-'));
after(() => rmSync(data, { recursive: true, force: true }));
let made = 0;

/** What becomes of a command on a bad line: whether the device does it, and what it says. */
const fates = {
  handed: [true, { kind: 'handed' }],
  failed: [true, { kind: 'failed', why: 'nobody listens' }],
  'done in silence': [true, { kind: 'unknown' }],
  'lost in silence': [false, { kind: 'unknown' }],
  unsent: [false, { kind: 'unsent' }],
} as const satisfies Record<string, readonly [isDone: boolean, delivery: Delivery]>;
type Fate = keyof typeof fates;

type Step =
  | { readonly do: 'ask'; readonly command: CameraCommand; readonly at: number }
  /** The device connects to these relays: a line that broke without a word is one of them. */
  | { readonly do: 'connect'; readonly to: readonly number[] }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'fate'; readonly is: Fate };

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('ask' as const),
    command: fc.constantFrom<CameraCommand>('arm', 'disarm', 'capture'),
    at: fc.constantFrom(0, 1),
  }),
  fc.record({ do: fc.constant('connect' as const), to: fc.subarray([0, 1]) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 600, 20_000, 61_000) }),
  fc.record({ do: fc.constant('fate' as const), is: fc.constantFrom(...(Object.keys(fates) as Fate[])) }),
);

/** Two relays on one database, and a device on a bad line. */
class Place {
  readonly clock = new FakeClock({ wallMs: 1_800_000_000_000 });
  fate: Fate = 'handed';
  isArmed: boolean | undefined;
  films = 0;
  readonly #here = [new Set<string>(), new Set<string>()];
  readonly #way: CameraWay = {
    tell: async (command, _within, onDelivered) => {
      const [isDone, delivery] = fates[this.fate];
      if (delivery.kind === 'handed') onDelivered();
      if (isDone && command === 'capture') this.films++;
      else if (isDone) this.isArmed = command === 'arm';
      return delivery;
    },
  };
  relays: readonly Cameras[] = [];

  async open(): Promise<AsyncDisposable> {
    const address = parseDatabaseAddress(`sqlite:${data}/${++made}.db`, data);
    const databases: Database[] = [];
    for (const here of this.#here) {
      const database = await openDatabase({ address, logger: silentLogger });
      databases.push(database);
      const wayTo = (device: string) => (here.has(device) ? this.#way : undefined);
      const audit = { done: () => undefined };
      const parts = { database, clock: this.clock, logger: silentLogger, wayTo, audit };
      this.relays = [...this.relays, new Cameras(parts)];
    }
    return {
      [Symbol.asyncDispose]: async () => {
        for (const relay of this.relays) await relay.close();
        for (const database of databases) await database.close();
      },
    };
  }

  async take(step: Step): Promise<void> {
    if (step.do === 'fate') this.fate = step.is;
    else if (step.do === 'connect') this.connect(step.to);
    else if (step.do === 'wait') await this.wait(step.ms);
    else {
      const by = { kind: 'user', id: 'ada' } as const;
      await this.relays[step.at]?.ask({ device: 'yard', household: 'home', command: step.command, by });
    }
  }

  connect(to: readonly number[]): void {
    for (const [i, here] of this.#here.entries()) {
      here.clear();
      if (!to.includes(i)) continue;
      here.add('yard');
      const armed = this.isArmed ?? null;
      const item = { camera: 'camera', armed, told: armed, problem: null, zone: 'UTC' };
      this.relays[i]?.heard('yard', 'home', { ...noState, cameras: [item] }, true);
    }
  }

  async wait(ms: number): Promise<void> {
    this.clock.advance(ms);
    for (const relay of this.relays) await relay.poll();
  }
}

test('whatever becomes of lines and relays: no film is made twice, and in the end all is as it is to be', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 18 }), async (row) => {
      const place = new Place();
      await using _open = await place.open();
      for (const step of row) await place.take(step);
      const [relay] = place.relays;
      assert.ok(relay);
      place.fate = 'handed';
      place.connect([]);
      await place.wait(cameraLimits.deliveryTime);
      place.connect([0]);
      for (let isOpen = true; isOpen; ) {
        await place.wait(cameraLimits.pollPeriod);
        const { commands, camera } = await relay.show('yard');
        isOpen =
          commands.some(({ delivered, failed }) => delivered === undefined && failed === undefined) ||
          (camera?.wanted !== undefined && camera.wanted !== place.isArmed);
      }
      const { commands } = await relay.show('yard');
      const made = commands.filter(
        ({ command, handed, failed = '' }) =>
          command === 'capture' && (handed !== undefined || /did not say|nobody listens/.test(failed)),
      );
      assert.ok(place.films <= made.length, `${place.films} films of ${made.length}`);
    }),
    { numRuns: 12 },
  );
});
