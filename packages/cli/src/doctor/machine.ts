import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { formatAddress } from '../config/units.ts';
import { webRoot } from '../places.ts';
import { bad, type Finding, ok, warn } from './finding.ts';
import { howToInstall, isInstalled } from './programs.ts';

export interface MachineQuestions {
  /** Where state would live. */
  readonly data: string;
  /** Ports that must be free. */
  readonly listen: readonly { readonly what: string; readonly host: string; readonly port: number }[];
  /** Default: `ffmpeg`, from the PATH. */
  readonly ffmpeg?: string;
  /** Default: the process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

/** What ffmpeg should be able to encode, and what for. */
const encoders: readonly (readonly [name: string, use: string])[] = [
  ['libx264', 'H.264 picture, the demo'],
  ['aac', 'AAC sound, the demo'],
  ['mpeg1video', 'picture for JSMpeg'],
  ['mp2', 'sound for JSMpeg'],
  ['libmp3lame', 'MP3 sound'],
];

/** Looks at this machine: what Perch needs, what is there, and how to get the rest. */
export async function examineMachine(questions: MachineQuestions): Promise<Finding[]> {
  const { data, listen, ffmpeg = 'ffmpeg', env = process.env } = questions;
  return [
    examineNode(process.versions.node),
    ...examineFfmpeg(ffmpeg, env),
    examineBrowser(env),
    examineData(data),
    examineWebApp(),
    ...(await Promise.all(listen.map(examinePort))),
  ];
}

export function examineNode(version: string): Finding {
  const seen = `${version} on ${process.platform} ${process.arch}`;
  return Number.parseInt(version, 10) >= 24
    ? ok('Node', seen)
    : bad('Node', seen, 'Perch needs Node 24 or newer');
}

function examineFfmpeg(ffmpeg: string, env: NodeJS.ProcessEnv): Finding[] {
  const run = (...args: string[]) =>
    spawnSync(ffmpeg, ['-hide_banner', ...args], { encoding: 'utf8', env, timeout: 10_000 });
  const { stdout, error } = run('-version');
  if (error) {
    // A relay alone runs well without it.
    const seen =
      'not installed: no demo, and nothing here to encode a camera with (a relay alone needs none)';
    return [warn('ffmpeg', seen, howToInstall(['ffmpeg'], env))];
  }
  const found = ok('ffmpeg', /version (\S+)/.exec(stdout)?.[1] ?? 'of an unknown version');
  const list = run('-encoders').stdout;
  const missing = encoders.filter(([name]) => !new RegExp(`^ [VA]\\S+ ${name} `, 'm').test(list));
  if (missing.length === 0) return [found];
  const lacks = missing.map(([name, use]) => `${name} (${use})`).join(', ');
  return [found, warn('encoders', `this ffmpeg lacks ${lacks}`, "use your system's full ffmpeg package")];
}

function examineBrowser(env: NodeJS.ProcessEnv): Finding {
  const program = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => isInstalled(name, env));
  if (program) return ok('browser', program);
  const seen = 'no Chromium here: only the tests need one on this machine';
  return warn('browser', seen, howToInstall(['chromium'], env));
}

export function examineData(data: string): Finding {
  const probe = join(data, `.doctor-${randomBytes(4).toString('hex')}`);
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    writeFileSync(probe, 'x', { flush: true });
    rmSync(probe);
    return ok('data', `${data} can be written`);
  } catch (error) {
    return bad(
      'data',
      `${data} cannot be written: ${(error as Error).message}`,
      'let this user write there, or choose another directory with --data DIR or PERCH_DATA',
    );
  }
}

function examineWebApp(): Finding {
  const place = webRoot();
  return place ? ok('web app', place) : bad('web app', 'not built', 'type: npm run build');
}

async function examinePort({ what, host, port }: MachineQuestions['listen'][number]): Promise<Finding> {
  const name = `${what} port`;
  const address = formatAddress({ host, port });
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return ok(name, `${address} is free`);
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const seen = isTaken
      ? `${address} is in use, perhaps by Perch itself`
      : `${address}: ${(error as Error).message}`;
    const flag = what === 'agent' ? '--listen, or --agent_listen of "perch up"' : '--listen';
    return warn(name, seen, `if not: stop that program, or choose another port with ${flag}`);
  }
}
