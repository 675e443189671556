import type { RequestBody } from './kinds.ts';
import type { StateChanges } from './state.ts';

/** The subprotocol of the control connection, `/agent` on a relay: text messages, one JSON object each. */
export const PERCH_AGENT_1 = 'perch.agent.1';

/** Numbers requests of one session: 1, 2, 3 … Never used again. */
export type RequestId = number;

/** Why a request was not done: the same status and words as the agent's own HTTP API has for it. */
export interface RequestFailure {
  readonly status: number;
  /** A word for programs, such as `bad-rule`. */
  readonly code: string;
  readonly message: string;
}

/** What an agent says to its relay. */
export type AgentMessage =
  /** First of all. `boot` is new at each start of the agent; `now` its wall clock in ms. */
  | { readonly type: 'hello'; readonly boot: string; readonly software: string; readonly now: number }
  /** The request is here and remembered: it will be answered. */
  | { readonly type: 'begun'; readonly id: RequestId }
  | { readonly type: 'result'; readonly id: RequestId; readonly value: unknown }
  | { readonly type: 'result'; readonly id: RequestId; readonly error: RequestFailure }
  /** Answers `ask`, unless `result` does. `forgotten`: it may have been done. */
  | { readonly type: 'about'; readonly id: RequestId; readonly is: 'begun' | 'not-begun' | 'forgotten' }
  /** What there is to see. The first of a connection begins with nothing, so it holds all. */
  | { readonly type: 'state'; readonly changes: StateChanges };

/** What a relay says to an agent. */
export type RelayMessage =
  /**
   * Answers `hello`. Requests of one `session` have ids of one row, over all its connections; those up to `foreign` may
   * have gone to another start of the agent, or to another agent. `now` is the relay's wall clock in ms.
   */
  | {
      readonly type: 'welcome';
      readonly session: string;
      readonly device: string;
      readonly foreign: RequestId;
      readonly now: number;
    }
  /** `within`: so many ms from when it comes there is a use in doing it. The two clocks need not agree. */
  | (RequestBody & { readonly type: 'request'; readonly id: RequestId; readonly within: number })
  /** A request of a later version: to be refused. */
  | {
      readonly type: 'request';
      readonly id: RequestId;
      readonly within: number;
      readonly kind: 'unknown';
      readonly named: string;
    }
  /** What became of this request? */
  | { readonly type: 'ask'; readonly id: RequestId }
  /** The result is here: it need not be remembered. */
  | { readonly type: 'heard'; readonly id: RequestId }
  /** Whether somebody looks at the device's state. */
  | { readonly type: 'watch'; readonly someone: boolean }
  /** To an agent that took the place of a living one with the same identity, which was at the address. */
  | { readonly type: 'rival'; readonly from: string }
  /** To that other one, before close code 4409: who connected now. */
  | { readonly type: 'replaced'; readonly from: string };

/** A message as the text that goes on the wire. */
export const encodeChannel = (message: AgentMessage | RelayMessage): string => JSON.stringify(message);
