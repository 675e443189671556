import type { OutgoingOptions } from '@perch/agent';
import { type Finding, showFindings } from './finding.ts';
import { examineMachine } from './machine.ts';
import { examineRelay } from './relay-url.ts';

export interface DoctorOptions {
  /** With it a relay is examined hop by hop; without it, this machine. */
  readonly url?: string;
  readonly data: string;
  /** Print JSON: a list of findings. */
  readonly json?: boolean;
  readonly proxy?: NonNullable<OutgoingOptions['proxy']>;
  readonly stdout: { write(text: string): unknown };
}

/** Where `perch up` listens unless told otherwise. */
const LISTEN = [
  { what: 'relay', host: '127.0.0.1', port: 8080 },
  { what: 'agent', host: '127.0.0.1', port: 8888 },
];

/** `perch doctor [URL]`. @returns the exit code: 0 where nothing is bad, else 1. */
export async function runDoctor(options: DoctorOptions): Promise<0 | 1> {
  const findings: Finding[] =
    options.url === undefined
      ? await examineMachine({ data: options.data, listen: LISTEN })
      : await examineRelay({ url: options.url, ...(options.proxy && { proxy: options.proxy }) });
  options.stdout.write(options.json ? `${JSON.stringify(findings, undefined, 2)}\n` : showFindings(findings));
  return findings.some(({ outcome }) => outcome === 'bad') ? 1 : 0;
}
