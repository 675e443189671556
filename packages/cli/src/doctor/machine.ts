import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Config } from '../config/settings.ts';
import { type Address, formatAddress } from '../config/units.ts';
import { webRoot } from '../places.ts';
import type { Finding } from './finding.ts';
import { howToInstall, isInstalled } from './programs.ts';

/** What ffmpeg must be able to encode, and what for. */
const encoders: readonly (readonly [name: string, use: string])[] = [
  ['libx264', 'H.264 picture, the demo'],
  ['aac', 'AAC sound, the demo'],
  ['mpeg1video', 'picture for JSMpeg'],
  ['mp2', 'sound for JSMpeg'],
  ['libmp3lame', 'MP3 sound'],
];

/** Looks at this machine: what Perch needs, what is there, and how to get the rest. */
export async function examineMachine(config: Config, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  return [
    node(),
    ...ffmpeg(env),
    browser(env),
    await dataDirectory(config.data),
    await port('relay port', config['relay.listen'], '--listen'),
    await port('agent port', config['agent.listen'], '--listen, or --agent_listen of "perch up"'),
    webApp(),
  ];
}

function node(): Finding {
  const words = `${process.version} on ${process.platform} ${process.arch}`;
  return Number.parseInt(process.versions.node, 10) >= 24
    ? { name: 'Node', state: 'ok', words }
    : { name: 'Node', state: 'missing', words, todo: 'Perch needs Node 24 or newer' };
}

function ffmpeg(env: NodeJS.ProcessEnv): Finding[] {
  if (!isInstalled('ffmpeg', env)) {
    return [
      {
        name: 'ffmpeg',
        state: 'optional',
        words: 'not installed: no demo, and nothing here to encode a camera with (a relay alone needs none)',
        todo: howToInstall(['ffmpeg'], env),
      },
    ];
  }
  const run = (...args: string[]) =>
    spawnSync('ffmpeg', ['-hide_banner', ...args], { encoding: 'utf8', env, timeout: 10_000 });
  const version = /version (\S+)/.exec(run('-version').stdout ?? '')?.[1] ?? 'of an unknown version';
  const list = run('-encoders').stdout ?? '';
  const missing = encoders.filter(([name]) => !new RegExp(`^ [VA]\\S+ ${name} `, 'm').test(list));
  const found: Finding = { name: 'ffmpeg', state: 'ok', words: version };
  if (missing.length === 0) return [found];
  return [
    found,
    {
      name: 'encoders',
      state: 'optional',
      words: `this ffmpeg lacks ${missing.map(([name, use]) => `${name} (${use})`).join(', ')}`,
      todo: "Use your system's full ffmpeg package, or a build with these encoders.",
    },
  ];
}

function browser(env: NodeJS.ProcessEnv): Finding {
  const program = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => isInstalled(name, env));
  if (program) return { name: 'browser', state: 'ok', words: program };
  return {
    name: 'browser',
    state: 'optional',
    words: 'no Chromium here: only the tests need one on this machine',
    todo: howToInstall(['chromium'], env),
  };
}

async function dataDirectory(data: string): Promise<Finding> {
  const probe = join(data, `.doctor-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
    await writeFile(probe, 'x', { flush: true });
    await rm(probe);
    return { name: 'data', state: 'ok', words: `${data} can be written` };
  } catch (error) {
    return {
      name: 'data',
      state: 'missing',
      words: `${data} cannot be written: ${(error as Error).message}`,
      todo: 'Let this user write there, or choose another directory with --data DIR or PERCH_DATA.',
    };
  }
}

async function port(name: string, address: Address, flag: string): Promise<Finding> {
  const words = formatAddress(address);
  const server = createServer();
  try {
    server.listen(address.port, address.host);
    await once(server, 'listening');
    return { name, state: 'ok', words: `${words} is free` };
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    return {
      name,
      state: 'optional',
      words: isTaken
        ? `${words} is in use, perhaps by Perch itself`
        : `${words}: ${(error as Error).message}`,
      todo: `If not: stop that program, or choose another port with ${flag}.`,
    };
  } finally {
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
  }
}

function webApp(): Finding {
  const place = webRoot();
  if (place) return { name: 'web app', state: 'ok', words: place };
  return { name: 'web app', state: 'missing', words: 'not built', todo: 'Type: npm run build' };
}
