import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@perch/testkit';
import { perch } from '../e2e/support/perch.ts';
import { noteAll, type Platter } from './captures-platter.ts';

const MAIN = join(import.meta.dirname, '../../packages/cli/src/main.ts');
const POWER = join(import.meta.dirname, 'captures-power.ts');

/** Which of the two real processes. */
export type Side = 'agent' | 'relay';
export const sides: readonly Side[] = ['agent', 'relay'];

/** A film as the relay's API shows it. */
export interface ShownFilm {
  readonly id: string;
  readonly complete: boolean;
  readonly segments: number;
  readonly lost: number;
  readonly alarms: number;
}
export interface ShownSegment {
  readonly number: number;
  readonly state: string;
  readonly sha256: string | null;
  readonly playable: boolean | null;
  readonly reason: string | null;
}

/** The part of the agent's `/api/captures` that is used here. */
export interface AgentStatus {
  readonly segments: number;
  readonly events: number;
  readonly taken: number;
  readonly lost: number;
  readonly losses: readonly string[];
  readonly upload: { readonly bytes: number; readonly repeated: number; readonly persisted: number };
}

/** A `perch` that is killed and started again. */
class Program {
  readonly #command: readonly string[];
  readonly #platter: Platter;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #ready = Promise.withResolvers<Record<string, string> | undefined>();
  #boots = 0;
  /** All that it has printed since its last start. */
  output = '';

  constructor(command: readonly string[], platter: Platter) {
    this.#command = command;
    this.#platter = platter;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it said when it was ready; `undefined` where it ended before. */
  get ready(): Promise<Record<string, string> | undefined> {
    return this.#ready.promise;
  }

  /** @param dieAt it kills itself at this operation of its disk and database. */
  start(dieAt: number | undefined): void {
    const ready = Promise.withResolvers<Record<string, string> | undefined>();
    this.#ready = ready;
    this.output = '';
    const child = spawn(process.execPath, [`--import=${POWER}`, MAIN, ...this.#command, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // With whatever it starts it is a group, which goes with the power.
      detached: true,
      env: {
        ...environment(),
        SOAK_PLATTER: JSON.stringify(this.#platter),
        SOAK_BOOT: `boot ${this.#boots}`,
        SOAK_DIE_AT: dieAt === undefined ? '' : String(dieAt),
      },
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        this.output += text;
        const line = /^.*"event":"ready".*$/m.exec(this.output)?.[0];
        if (line !== undefined) ready.resolve(JSON.parse(line) as Record<string, string>);
      });
    }
    this.#exited = once(child, 'exit').then(() => ready.resolve(undefined));
  }

  /** `kill -9`. @param withAll with what it has started, as the power does. Resolves when it is gone. Idempotent. */
  async kill({ withAll }: { withAll: boolean }): Promise<void> {
    const pid = this.#child?.pid;
    if (this.isRunning) this.#child?.kill('SIGKILL');
    await this.#exited;
    this.#child = undefined;
    if (!withAll) return;
    if (pid !== undefined) killGroup(pid);
    this.#boots++;
  }

  /** As a person ends it. Resolves when it is gone. */
  async end(): Promise<void> {
    if (this.isRunning) this.#child?.kill('SIGTERM');
    await this.#exited;
  }
}

/** Ours, without what is meant for the test itself: Perch knows all of its own `PERCH_…`. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PERCH_')));

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nobody is left of it
  }
}

/** A real agent and a real relay, each with a disk that loses what was not synced, and the relay's owner. */
export class House implements AsyncDisposable {
  readonly directory: string;
  readonly camera: string;
  readonly programs: Readonly<Record<Side, Program>>;
  readonly platters: Readonly<Record<Side, Platter>>;
  readonly socket: string;
  #owner: { readonly url: string; readonly headers: Record<string, string> };

  private constructor(
    directory: string,
    programs: Record<Side, Program>,
    platters: Record<Side, Platter>,
    owner: { url: string; headers: Record<string, string> },
  ) {
    this.directory = directory;
    this.camera = join(directory, 'camera');
    this.socket = join(directory, 'films');
    this.programs = programs;
    this.platters = platters;
    this.#owner = owner;
  }

  static async open(): Promise<House> {
    const directory = await mkdtemp(join(tmpdir(), 'perch-house-'));
    try {
      const dataOf = (side: Side) => join(directory, side);
      const platters = {
        agent: { root: dataOf('agent'), notes: join(directory, 'agent-platter') },
        relay: { root: dataOf('relay'), notes: join(directory, 'relay-platter') },
      };
      for (const { root, notes } of Object.values(platters)) {
        await mkdir(root);
        await mkdir(notes);
      }
      await mkdir(join(directory, 'camera'));
      const port = await freePort();
      const relay = new Program(
        ['relay', '--listen', `127.0.0.1:${port}`, '--data', dataOf('relay')],
        platters.relay,
      );
      relay.start(undefined);
      const said = await relay.ready;
      if (!said) throw new Error(`the relay does not start: ${relay.output}`);
      const owner = await signIn(said.relay ?? '', said.signIn ?? '');
      const { code } = await post<{ code: string }>(owner, '/api/v1/devices/codes', { name: 'Yard' });
      await perch(['enroll', owner.url, code, '--data', dataOf('agent')], environment());
      const agent = new Program(
        [
          ...['agent', '--listen', '127.0.0.1:0', '--data', dataOf('agent'), '--input_port', 'none'],
          ...['--input_sock', join(directory, 'films'), '--input_dir', join(directory, 'camera')],
        ],
        platters.agent,
      );
      await relay.end();
      for (const platter of Object.values(platters)) await noteAll(platter);
      return new House(directory, { agent, relay }, platters, owner);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Asks the relay as its owner. */
  async ask(path: string): Promise<Response> {
    return fetch(this.#owner.url + path, { headers: this.#owner.headers });
  }

  async json<T>(path: string): Promise<T> {
    const answer = await this.ask(path);
    if (!answer.ok)
      throw new Error(
        `${path}: HTTP ${answer.status} ${await answer.text()}\n${this.programs.relay.output.slice(-2_000)}`,
      );
    return (await answer.json()) as T;
  }

  /** All films of the library. */
  async films(): Promise<ShownFilm[]> {
    const all: ShownFilm[] = [];
    for (;;) {
      const after = all.at(-1);
      const page = await this.json<ShownFilm[]>(
        `/api/v1/captures?limit=200${after ? `&after=${after.id}` : ''}`,
      );
      all.push(...page);
      if (page.length < 200) return all;
    }
  }

  async segments(film: string): Promise<readonly ShownSegment[]> {
    const { segmentList } = await this.json<{ segmentList: ShownSegment[] }>(`/api/v1/captures/${film}`);
    return segmentList;
  }

  /** What the agent says; `undefined` where there is none now. */
  async status(): Promise<AgentStatus | undefined> {
    const { agent } = this.programs;
    const url = agent.isRunning ? (await agent.ready)?.agent : undefined;
    if (url === undefined) return undefined;
    return fetch(`${url}/api/captures`)
      .then((answer) => answer.json() as Promise<AgentStatus>)
      .catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const side of sides) await this.programs[side].kill({ withAll: true });
    await rm(this.directory, { recursive: true, force: true });
  }
}

type Owner = { readonly url: string; readonly headers: Record<string, string> };

/** Spends a sign-in link, as a browser does. */
async function signIn(url: string, link: string): Promise<Owner> {
  const answer = await fetch(`${url}/api/v1/sign-in`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ secret: new URL(link).hash.slice(1) }),
  });
  if (answer.status !== 204) throw new Error(`sign-in: HTTP ${answer.status}`);
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return { url, headers: { Cookie: cookie, Origin: url } };
}

async function post<T>({ url, headers }: Owner, path: string, body: object): Promise<T> {
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status}`);
  return (await answer.json()) as T;
}
