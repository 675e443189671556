import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { channelLimits } from '@perch/protocol';
import { AgentError, systemCode } from '../errors.ts';
import { isLoopback } from '../loopback.ts';
import { replaceFile } from '../replace-file.ts';
import { RequestError } from './session.ts';

/** To which relays an agent connects, the best first. */
export interface RelayList {
  readonly relays: readonly string[];
  /** Where it was before it was moved: used until one of the new ones has welcomed it, so that nobody can lose it by a slip. */
  readonly before: readonly string[];
}

/** Where the list is kept: a JSON file that is always whole. */
export interface RelayListFile {
  /** `undefined` where there is none: the agent was never moved. @throws {AgentError} `relays-corrupt`, `data-not-writable` */
  load(): Promise<RelayList | undefined>;
  /** Resolves when the list would survive a power cut. @throws {Error} the system's: the old one still would. */
  save(list: RelayList): Promise<void>;
}

/** `DIR/relays.json`. */
export function relayListFile(directory: string): RelayListFile {
  const path = join(directory, 'relays.json');
  return {
    async load() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (cause) {
        if (systemCode(cause) === 'ENOENT') return undefined;
        throw new AgentError('relays-corrupt', `cannot read ${path}: ${(cause as Error).message}`, { cause });
      }
      try {
        return decodeList(JSON.parse(text));
      } catch (cause) {
        const words = `${path} cannot be understood (${(cause as Error).message}): mend it, or take it away to go back to the relay of the enrolment`;
        throw new AgentError('relays-corrupt', words, { cause });
      }
    },
    save: ({ relays, before }) =>
      replaceFile(path, `${JSON.stringify({ version: 1, relays, before }, null, 2)}\n`),
  };
}

function decodeList(value: unknown): RelayList {
  const { version, relays, before } = (value ?? {}) as Record<string, unknown>;
  if (version !== 1) throw new TypeError(`its version is ${JSON.stringify(version)}, this program knows 1`);
  return { relays: checkRelays(relays), before: checkRelays(before, 0) };
}

/**
 * Takes addresses as somebody gave them.
 *
 * @returns them as they are kept: `https://relay.example`, each once.
 * @throws {RequestError} `bad-relays`, 400, that says which is wrong and what is right.
 */
export function checkRelays(given: unknown, least = 1): readonly string[] {
  const most = channelLimits.relays;
  if (!Array.isArray(given) || given.length < least || given.length > most) {
    throw badRelays(`\`relays\` must be a list of ${least} to ${most} addresses, the best first`);
  }
  return [...new Set(given.map(checkRelay))];
}

function checkRelay(given: unknown): string {
  const url = typeof given === 'string' ? URL.parse(given) : null;
  const isRight = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (!url || !isRight || url.username || url.password || url.search || url.hash) {
    const shown = JSON.stringify(String(given).slice(0, 100));
    throw badRelays(
      `${shown} is no address of a relay: give https://HOST or https://HOST:PORT, with http:// on this machine only`,
    );
  }
  return url.href.replace(/\/+$/, '');
}

const badRelays = (message: string): RequestError =>
  new RequestError({ status: 400, code: 'bad-relays', message });

/** Where the control connection is, on the relay of this address. */
export const controlAddress = (relay: string): string => `${relay.replace(/^http/, 'ws')}/agent`;
