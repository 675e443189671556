import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bad, type Finding, ok, warn } from './finding.ts';

const run = promisify(execFile);

export interface MachineQuestions {
  /** The data directory; it need not exist yet. */
  readonly data: string;
  /** Addresses that `perch up` would listen on. */
  readonly listen: readonly { readonly what: string; readonly host: string; readonly port: number }[];
  /** Default `ffmpeg`, found in PATH. */
  readonly ffmpeg?: string;
}

/** Looks at this machine: can it run an agent, a relay, the demo? */
export async function examineMachine(questions: MachineQuestions): Promise<Finding[]> {
  return [
    examineNode(process.versions.node),
    ...(await examineFfmpeg(questions.ffmpeg ?? 'ffmpeg')),
    examineData(questions.data),
    ...(await Promise.all(questions.listen.map(examinePort))),
  ];
}

/** @param version such as `24.21.0`. */
export function examineNode(version: string): Finding {
  const major = Number(version.split('.', 1)[0]);
  return major >= 24
    ? ok('node', version)
    : bad(
        'node',
        `${version}, and Perch runs on 24 or newer`,
        'install Node 24, or reinstall Perch with its own: npm install',
      );
}

/** What of ffmpeg's encoders we look for, and what each is for. */
const encoders = [
  ['libx264', 'H.264 picture'],
  ['aac', 'AAC sound'],
  ['mpeg1video', 'MPEG-1 picture, for JSMpeg players'],
  ['mp2', 'MP2 sound, for JSMpeg players'],
  ['libmp3lame', 'MP3 sound'],
] as const;

const FFMPEG_HELP =
  'Debian, Ubuntu: sudo apt-get install ffmpeg. Fedora: sudo dnf install ffmpeg. Others: https://ffmpeg.org/download.html';

async function examineFfmpeg(program: string): Promise<Finding[]> {
  let version: string;
  let list: string;
  try {
    version = (await run(program, ['-hide_banner', '-version'])).stdout.split('\n', 1)[0] ?? '';
    list = (await run(program, ['-hide_banner', '-encoders'])).stdout;
  } catch {
    return [bad('ffmpeg', 'not found: the demo, and most cameras, need it', FFMPEG_HELP)];
  }
  const has = new Set(list.split('\n').map((line) => line.trim().split(/\s+/)[1]));
  const missing = encoders.filter(([name]) => !has.has(name));
  return [
    ok('ffmpeg', version.replace(/ Copyright.*/, '')),
    missing.length === 0
      ? ok('encoders', encoders.map(([name]) => name).join(', '))
      : warn(
          'encoders',
          `this ffmpeg has no ${missing.map(([name, use]) => `${name} (${use})`).join(', ')}`,
          'install an ffmpeg that is built with them',
        ),
  ];
}

/** Whether state can be kept there. Leaves no trace. */
export function examineData(data: string): Finding {
  let nearest = data;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
    if (nearest === data) rmdirSync(mkdtempSync(join(data, '.doctor-')));
    return ok('data', nearest === data ? data : `${data} (will be made)`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return bad(
      'data',
      `${nearest} cannot be written: ${why}`,
      'give this user the right, or choose another with --data DIR',
    );
  }
}

function examinePort({ what, host, port }: MachineQuestions['listen'][number]): Promise<Finding> {
  const name = `port ${port}`;
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'in use (by a Perch that runs?)' : error.message;
      resolve(
        warn(
          name,
          `for the ${what}: ${why}`,
          `stop what uses it, or choose another port with --listen HOST:PORT`,
        ),
      );
    });
    server.listen({ host, port, exclusive: true }, () =>
      server.close(() => resolve(ok(name, `free, for the ${what}`))),
    );
  });
}
