import { readFile } from 'node:fs/promises';
import { createSecureContext, getCACertificates } from 'node:tls';
import type { Clock, Logger } from '@perch/runtime';
import { type ClientOptions, WebSocket } from 'ws';
import { type CaptureOptions, Captures } from '../captures/captures.ts';
import { AgentError } from '../errors.ts';
import { CloudSession } from './cloud-session.ts';
import { Uploader } from './uploader.ts';

/** A device of a cloud that speaks as cloudtalker's (COMPAT 4.1, 4.4). */
export interface CloudtalkerOptions {
  /** Files, PEM: who the device is. */
  readonly cert: string;
  readonly key: string;
  /** `HOST:PORT/PATH`, always over TLS. */
  readonly endpoint: string;
  /** PEM certificates to trust besides the usual ones. */
  readonly caFile?: string;
  /** Takes any server for the right one. */
  readonly insecure?: boolean;
  /** Where films wait. */
  readonly data: string;
  readonly captures: CaptureOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1), for the pauses between tries. */
  readonly random?: () => number;
}

/**
 * Runs what cloudtalker did: films from camera programs to a cloud of its kind, commands back.
 *
 * @throws {AgentError} where a file cannot be read or an input cannot be opened.
 * @throws {SpoolError} where the spool cannot be used.
 */
export async function startCloudtalker(options: CloudtalkerOptions): Promise<Captures> {
  const { data, captures, clock, logger, random, endpoint } = options;
  const tls = await credentials(options);
  const dial = () =>
    new WebSocket(`wss://${endpoint}`, { ...tls, perMessageDeflate: false, maxPayload: 1024 * 1024 });
  return Captures.start({
    data,
    options: { ...captures, listNeedsArming: true },
    upload: ({ camera, ...parts }) =>
      new Uploader({
        ...parts,
        dial,
        speak: (session) => new CloudSession(session, camera),
        ...(random && { random }),
      }),
    clock,
    logger,
  });
}

async function credentials({
  cert,
  key,
  caFile,
  insecure = false,
}: CloudtalkerOptions): Promise<ClientOptions> {
  const shown = {
    cert: await pem(cert),
    key: await pem(key),
    ...(caFile !== undefined && { ca: [...getCACertificates('default'), await pem(caFile)] }),
  };
  try {
    createSecureContext(shown);
  } catch (cause) {
    const words = `${cert} and ${key} are no certificate with its key, as PEM: ${(cause as Error).message}`;
    throw new AgentError('bad-setting', words, { cause });
  }
  return { ...shown, minVersion: 'TLSv1.2', rejectUnauthorized: !insecure };
}

async function pem(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AgentError('bad-setting', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  if (text.includes('-----BEGIN ')) return text;
  throw new AgentError('bad-setting', `${path} is not PEM: it holds no -----BEGIN …-----`);
}
