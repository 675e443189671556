// vw's own soak: a day of one rule change a second, as fast as it goes, under a live stream that somebody watches.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Agent } from '@perch/agent';
import { Demuxer } from '@perch/mpegts';
import { Emitter } from '@perch/runtime';
import { Encoder } from '../../packages/agent/src/streams/testing/encoder.ts';
import { Client, FarEnd, openPublisher, startTestAgent } from '../conformance/vw-harness.ts';

const MB = 1_000_000;
/** So many requests are on their way at once. */
const AT_ONCE = 32;
/** So many streams come and go beside the one that is watched. */
const EXTRAS = 50;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What a leak would make grow. */
interface Footprint {
  readonly heapBytes: number;
  readonly files: number;
  readonly handles: string;
  readonly listeners: number;
}

export interface RuleChangesOptions {
  readonly changes: number;
  /** From here on nothing may grow. */
  readonly warmUp: number;
}

/** Changes rules so often, and finds nothing left of it. */
export async function changeRules(t: TestContext, { changes, warmUp }: RuleChangesOptions): Promise<void> {
  const listeners = countListeners(t);
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));

  const agent = await startTestAgent(t);
  const [near, other] = [await FarEnd.open(t), await FarEnd.open(t)];
  const rules = new RuleMaker(agent, [near.url, other.url]);
  await rules.settle();
  const viewer = await Client.connect(t, `${agent.url}/ws/stream/front`);
  const seen = new Seen(viewer);
  const cameras = [new Camera(t, agent, 'v', 'video'), new Camera(t, agent, 'a', 'audio')];
  const [camera] = cameras;

  const measure = async (): Promise<Footprint> => {
    await rules.settle();
    // What the test itself keeps is not the agent's.
    viewer.messages.length = 0;
    for (const { arrivals } of [near, other]) arrivals.length = 0;
    for (let i = 0; i < 5; i++) {
      await turn();
      collect();
    }
    return {
      heapBytes: process.memoryUsage().heapUsed,
      files: readdirSync('/proc/self/fd').length,
      handles: process.getActiveResourcesInfo().filter(isHandle).sort().join(' '),
      listeners: listeners(),
    };
  };

  const began = performance.now();
  let before: Footprint | undefined;
  for (let done = 0; done < changes; done += AT_ONCE) {
    if (!before && done >= warmUp) before = await measure();
    const count = Math.min(AT_ONCE, changes - done);
    await Promise.all(Array.from({ length: count }, (_, i) => rules.change(done + i)));
    for (const each of cameras) each.film();
  }
  const seconds = (performance.now() - began) / 1000;
  const after = await measure();
  assert.ok(before);
  const grown = (after.heapBytes - before.heapBytes) / MB;
  t.diagnostic(
    `${changes} changes in ${seconds.toFixed(1)} s (${Math.round(changes / seconds)}/s), ` +
      `heap ${(before.heapBytes / MB).toFixed(2)} MB + ${grown.toFixed(2)} MB from change ${warmUp} on`,
  );
  assert.deepEqual({ ...after, heapBytes: 0 }, { ...before, heapBytes: 0 });
  assert.ok(grown <= 1, `the heap grew by ${grown.toFixed(2)} MB`);
  assert.deepEqual(warnings, []);
  assert.equal(viewer.socket.readyState, viewer.socket.OPEN, 'the viewer was never cut off');
  while (seen.pictures < (camera?.units ?? 0)) await turn();
  assert.deepEqual([seen.pictures, seen.damage], [camera?.units, 0], 'every picture came, none twice');
}

/** An encoder in real time. */
class Camera {
  units = 0;
  readonly #encoder: Encoder;
  readonly #unitMs: number;
  readonly #publisher: ReturnType<typeof openPublisher>;
  #dueAt = performance.now();

  constructor(t: TestContext, agent: Agent, feed: string, kind: 'video' | 'audio') {
    this.#encoder = new Encoder(kind);
    this.#unitMs = kind === 'video' ? 40 : 24;
    this.#publisher = openPublisher(t, `${agent.url}/ts/${feed}`);
  }

  /** Sends what is due. */
  film(): void {
    for (; performance.now() >= this.#dueAt; this.#dueAt += this.#unitMs) {
      this.#publisher.write(this.#encoder.unit({ key: this.units % 25 === 0 }));
      this.units++;
    }
  }
}

/** What a viewer got. */
class Seen {
  pictures = 0;
  damage = 0;

  constructor(viewer: Client) {
    const demuxer = new Demuxer({
      onAccessUnit: ({ class: kind }) => {
        if (kind === 'video') this.pictures++;
      },
      onDamage: () => {
        this.damage++;
      },
    });
    viewer.socket.on('message', (bytes: Buffer) => demuxer.push(bytes));
  }
}

/** Makes all kinds of changes, over connections that are kept. */
class RuleMaker {
  readonly #agent: Agent;
  readonly #farEnds: readonly string[];
  #connections = new HttpAgent({ keepAlive: true, maxSockets: AT_ONCE });

  constructor(agent: Agent, farEnds: readonly string[]) {
    this.#agent = agent;
    this.#farEnds = farEnds;
  }

  /** The change number `n`. Resolves when it is answered. */
  change(n: number): Promise<void> {
    const kind = n % 8;
    const extra = `stream/extra${Math.floor(n / 8) % EXTRAS}`;
    const stream = (name: string, ...feeds: string[]) =>
      this.#ask('POST', 'streams', { stream: name, feeds });
    if (kind === 1) return stream(extra, 'v', 'a', `unknown${n}`);
    if (kind === 3) return this.#ask('DELETE', `streams/${extra}`);
    if (kind === 5) return this.#ask('POST', 'feeds', { feed: 'a', delayMs: n % 100 });
    if (kind === 7) return this.#destination(n);
    return kind % 4 === 0 ? stream('stream/front', 'v') : stream('stream/front', 'v', 'a');
  }

  /** Brings everything to rest: the same rules, no connection of ours nor to a destination. */
  async settle(): Promise<void> {
    // All but the one that is watched.
    for (let i = 0; i < EXTRAS; i++) await this.#ask('DELETE', `streams/stream/extra${i}`);
    await this.#ask('DELETE', 'feeds/all');
    await this.#ask('DELETE', 'destinations/all');
    await this.#ask('POST', 'streams', { stream: 'stream/front', feeds: ['v', 'a'] });
    this.#connections.destroy();
    this.#connections = new HttpAgent({ keepAlive: true, maxSockets: AT_ONCE });
    // Connections of ours and those of deleted destinations end over the next turns.
    let quiet = 0;
    for (let sockets = -1; quiet < 50; ) {
      await turn();
      const now = process.getActiveResourcesInfo().length;
      quiet = now === sockets ? quiet + 1 : 0;
      sockets = now;
    }
  }

  #destination(n: number): Promise<void> {
    const i = Math.floor(n / 8);
    if (i % 3 === 2) return this.#ask('DELETE', `destinations/${i % 5}`);
    const destination = this.#farEnds[i % 2];
    return this.#ask('POST', 'destinations', { id: `${i % 5}`, stream: 'stream/front', destination });
  }

  async #ask(method: string, path: string, rule?: object): Promise<void> {
    const request = httpRequest(`${this.#agent.url}/api/${path}`, { method, agent: this.#connections });
    request.end(rule && JSON.stringify(rule));
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
    assert.equal(response.statusCode, 200, `${method} ${path}`);
  }
}

/** Timers of HTTP and immediates come and go; sockets, servers and files must not. */
const isHandle = (kind: string) => !/Timeout|Immediate|FSReq|Close/.test(kind);

/** How many listeners there are on all emitters of Perch that are still reachable. */
function countListeners(t: TestContext): () => number {
  const emitters = new Set<WeakRef<Emitter<object>>>();
  const seen = new WeakSet<object>();
  const { on } = Emitter.prototype;
  Emitter.prototype.on = function (this: Emitter<object>, ...args: Parameters<typeof on>) {
    if (!seen.has(this)) emitters.add(new WeakRef(this));
    seen.add(this);
    return on.apply(this, args);
  } as typeof on;
  t.after(() => {
    Emitter.prototype.on = on;
  });
  return () => {
    let count = 0;
    for (const ref of emitters) {
      const emitter = ref.deref();
      if (emitter) count += emitter.size;
      else emitters.delete(ref);
    }
    return count;
  };
}
