import type { Answer } from './requests.ts';

/** An answer without a value, as HTTP has it. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
}

/** What to tell whoever asked something of a device that did not do it, or perhaps did. */
export function refusalOf(answer: Exclude<Answer, { kind: 'done' }>): Refusal {
  switch (answer.kind) {
    case 'failed':
      return { code: answer.error.status, message: answer.error.message };
    case 'offline':
      return { code: 503, message: 'the device is not connected now; try again when it is' };
    case 'busy':
      return { code: 503, message: 'too much waits for this device already; try again when that is done' };
    case 'unknown':
      return {
        code: 504,
        message: 'the device did not answer in time. It may have done it or not: look before you try again',
      };
  }
}
