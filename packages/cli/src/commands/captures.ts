import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { formatAddress } from '../config/units.ts';
import { CliError } from '../errors.ts';
import { flagLayer, withSettings } from '../flags.ts';
import { Stop } from '../stop.ts';
import { type Run, table, writeJson } from '../terminal.ts';

interface Flags {
  readonly config?: string;
  readonly json?: boolean;
}

/** A segment on its way, as the agent says it. */
interface OnTheWay {
  readonly capture: string;
  readonly segment: number;
  readonly size: number;
  readonly sent: number;
}

/** The part of the agent's `/api/captures` that is used here. */
interface Status {
  readonly segments: number;
  readonly bytes: number;
  readonly captures: number;
  readonly events: number;
  readonly mostBytes: number | null;
  readonly mostAgeMs: number | null;
  readonly taken: number;
  readonly persisted: number;
  readonly lost: number;
  readonly losses: readonly string[];
  readonly armed: boolean | null;
  readonly upload: {
    readonly state: { readonly kind: string; readonly reason?: string };
    readonly onTheWay: readonly OnTheWay[];
  } | null;
}

/** Films by hand. Both ask the agent of this machine: the spool is its own. */
export function addCaptures(program: Command, run: Run): void {
  const captures = program.command('captures').description('films: send some by hand, see which wait');
  const shared = (command: Command) =>
    withSettings(command)
      .option('--listen <HOST:PORT>', 'where the agent listens (default: 127.0.0.1:8888)')
      .option('--json', 'as JSON');
  shared(captures.command('push'))
    .description('give files to the agent as one film, and wait until they are at home')
    .argument('<FILE...>', 'in the order in which they are shown')
    .addHelpText('after', '\nExample:\n  perch captures push birthday-1.mp4 birthday-2.mp4')
    .action((files: string[], flags: Flags) => push(run, files, flags));
  shared(captures.command('status'))
    .description('show what waits on this device, what is on its way, and what was lost')
    .addHelpText('after', '\nExample:\n  perch captures status')
    .action((flags: Flags) => status(run, flags));
}

type Ask = <T>(path: string, body?: object) => Promise<T>;

async function agentOf(run: Run, flags: Flags): Promise<Ask> {
  const { config } = loadConfig({
    program: 'agent',
    file: flags.config,
    env: run.terminal.env,
    flags: flagLayer(flags as unknown as Record<string, unknown>, { listen: 'agent.listen' }),
  });
  const { host, port } = config['agent.listen'];
  const at = formatAddress({ host: ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host, port });
  // There is one only where the agent listens beyond loopback.
  const token = await readFile(join(config.data, 'agent-token'), 'utf8').catch(() => undefined);
  return async <T>(path: string, body?: object) => {
    let response: Response;
    try {
      response = await fetch(`http://${at}${path}`, {
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
        headers: token === undefined ? {} : { Authorization: `Bearer ${token.trim()}` },
      });
    } catch (cause) {
      throw new CliError(
        'failed',
        `No agent answers at ${at}. Start one with "perch agent", or name it with --listen HOST:PORT.`,
        { cause },
      );
    }
    const text = await response.text();
    if (!response.ok) throw new CliError('failed', `The agent at ${at} says: ${text.trim()}`);
    return JSON.parse(text) as T;
  };
}

async function status(run: Run, flags: Flags): Promise<void> {
  const ask = await agentOf(run, flags);
  const found = await ask<Status>('/api/captures');
  if (flags.json) {
    writeJson(run.terminal, found);
    return;
  }
  const { upload } = found;
  const line =
    upload === null
      ? 'nowhere: this device is not enrolled; films wait'
      : `${upload.state.kind}${upload.state.reason === undefined ? '' : `: ${upload.state.reason}`}`;
  run.terminal.stdout.write(
    table([
      ['waiting', `${found.segments} segments of ${found.captures} films, ${megabytes(found.bytes)}`],
      ['relay', line],
      ['since the start', `${found.taken} taken, ${found.persisted} at home, ${found.lost} lost`],
      ['given up', limits(found)],
      ['camera', found.armed === null ? 'nobody said' : found.armed ? 'armed' : 'disarmed'],
    ]),
  );
  for (const { capture, segment, sent, size } of upload?.onTheWay ?? [])
    run.terminal.stdout.write(
      `  on its way    ${capture} segment ${segment}: ${megabytes(sent)} of ${megabytes(size)}\n`,
    );
  for (const words of found.losses) run.terminal.stdout.write(`  lost          ${words}\n`);
}

const LOOK_MS = 200;
const BAR = 30;

async function push(run: Run, files: readonly string[], flags: Flags): Promise<void> {
  using stop = new Stop();
  const sizes = files.map((file) => {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (!stats?.isFile()) throw new CliError('misused', `${file} is no file`);
    return stats.size;
  });
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const ask = await agentOf(run, flags);
  const { capture, lost } = await ask<{ capture: string; lost: string[] }>('/api/captures', {
    files: files.map((file) => resolve(file)),
  });
  let isStopped = false;
  void stop.asked.then(() => {
    isStopped = true;
  });
  const isShown = !flags.json && process.stderr.isTTY === true;
  for (;;) {
    const { pending, lost: losses } = await ask<{ pending: number; lost: string[] }>(
      `/api/captures/${capture}`,
    );
    if (losses.length > 0) throw new CliError('failed', `Not all of it is at home: ${losses.join('; ')}`);
    const { upload } = await ask<Status>('/api/captures');
    if (isShown)
      run.terminal.stderr.write(`\r${bar(total, pending, sizes, upload?.onTheWay ?? [], capture)}`);
    if (pending === 0) break;
    if (upload === null || isStopped) {
      const why = upload === null ? 'this device is not enrolled ("perch enroll")' : 'you did not wait';
      throw new CliError(
        'failed',
        `${capture} is safe on this device, but not at home yet: ${why}. The agent sends it as soon as it can.`,
      );
    }
    await pause(LOOK_MS);
  }
  if (isShown) run.terminal.stderr.write('\n');
  if (flags.json) writeJson(run.terminal, { capture, files: files.length, bytes: total, lost });
  else run.terminal.stdout.write(`${capture}: ${files.map((file) => basename(file)).join(', ')} at home\n`);
}

/** `[=====>    ] 52 %, 3 of 5 segments to go`. What has left counts whole. */
function bar(
  total: number,
  pending: number,
  sizes: readonly number[],
  onTheWay: readonly OnTheWay[],
  capture: string,
): string {
  const ours = onTheWay.filter((one) => one.capture === capture);
  const toCome = sizes.toSorted((a, b) => b - a).slice(0, Math.max(0, pending - ours.length));
  const left =
    toCome.reduce((sum, size) => sum + size, 0) + ours.reduce((sum, { size, sent }) => sum + size - sent, 0);
  const share = total === 0 ? 1 : Math.max(0, 1 - left / total);
  const filled = Math.round(share * BAR);
  return `[${'='.repeat(filled)}${' '.repeat(BAR - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %, ${pending} of ${sizes.length} segments to go `;
}

/** Whom the spool parts with: nobody, where it was given no limits. */
function limits({ mostBytes, mostAgeMs }: Status): string {
  const given = [
    ...(mostBytes === null ? [] : [`over ${megabytes(mostBytes)}`]),
    ...(mostAgeMs === null ? [] : [`after ${(mostAgeMs / 86_400_000).toFixed(1)} days`]),
  ];
  return given.length === 0
    ? 'nothing: there is no limit'
    : `the oldest ${given.join(', ')}; each is told lost`;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
