import { ProtocolError } from '../errors.ts';
import type { Trigger } from './capture.ts';
import { captureLimits } from './limits.ts';

/** How cloudtalker's own WebSocket (`/ds/v3`, COMPAT 4.4) names a trigger. */
export type CloudTrigger = 'pir' | 'request';

/** The trigger of a film, in cloudtalker's word. */
export const toCloudTrigger = (trigger: Trigger): CloudTrigger => (trigger === 'cap' ? 'request' : 'pir');
/** And back. */
export const fromCloudTrigger = (trigger: CloudTrigger): Trigger => (trigger === 'request' ? 'cap' : 'pir');

/** Most bytes of one binary message of a cloudtalker. */
export const CLOUD_FRAME_BYTES = 1300;
/** So often, in heartbeat periods, a cloudtalker says its state; a period is in seconds. */
export const CLOUD_STATE_PERIODS = 10;

/** Text messages cloudtalker → cloud. Binary messages after `capture_segment` are the file; the next text ends it. */
export type FromCloudtalker =
  | {
      readonly type: 'capture_start' | 'capture_end';
      readonly trigger_timestamp: number;
      readonly trigger: CloudTrigger;
    }
  | {
      readonly type: 'capture_segment';
      readonly trigger_timestamp: number;
      readonly trigger: CloudTrigger;
      readonly seg_no: number;
    }
  | { readonly type: 'alarm'; readonly trigger_timestamp: number }
  | ({ readonly type: 'state' } & CloudState);

/** What cloud and cloudtalker tell each other about the camera. The cloud's messages have no `type`. */
export interface CloudState {
  readonly id: number;
  readonly heartbeat_period: number;
  readonly pir_armed: boolean;
  readonly capture_asap: boolean;
}

/** What holds for a field that a message does not name. */
export const cloudStateDefaults: CloudState = {
  id: 0,
  heartbeat_period: 10,
  pir_armed: false,
  capture_asap: false,
};

/**
 * Decodes a text message of a cloudtalker.
 *
 * @returns `undefined` for an unknown type.
 * @throws {ProtocolError} `bad-capture-message`
 */
export function decodeFromCloudtalker(text: string): FromCloudtalker | undefined {
  const record = asRecord(text);
  switch (record.type) {
    case 'capture_start':
    case 'capture_end':
      return { type: record.type, trigger_timestamp: seconds(record), trigger: trigger(record) };
    case 'capture_segment':
      return {
        type: record.type,
        trigger_timestamp: seconds(record),
        trigger: trigger(record),
        seg_no: whole(record, 'seg_no', captureLimits.segmentNumber),
      };
    case 'alarm':
      return { type: record.type, trigger_timestamp: seconds(record) };
    case 'state':
      return { type: record.type, ...state(record) };
    default:
      return undefined;
  }
}

/**
 * Decodes a message of the cloud; what it does not name has its default, unknown keys are passed over.
 *
 * @throws {ProtocolError} `bad-capture-message`
 */
export const decodeCloudState = (text: string): CloudState => state(asRecord(text));

/** A message as an unmodified cloudtalker writes it: compact for films, with Python's spaces and sorted keys for the rest. */
export function encodeFromCloudtalker(message: FromCloudtalker): string {
  if (message.type !== 'state' && message.type !== 'alarm') return JSON.stringify(message);
  const keys = message.type === 'state' ? Object.keys(message).sort() : Object.keys(message);
  const record: Record<string, unknown> = { ...message };
  return `{${keys.map((key) => `${JSON.stringify(key)}: ${JSON.stringify(record[key])}`).join(', ')}}`;
}

function asRecord(text: string): Record<string, unknown> {
  if (text.length > captureLimits.textBytes)
    throw bad(`a message has at most ${captureLimits.textBytes} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('bad-capture-message', 'a message is a JSON object', { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw bad('a message is a JSON object');
}

const seconds = (record: Record<string, unknown>): number =>
  whole(record, 'trigger_timestamp', 253_402_300_799);

function whole(record: Record<string, unknown>, name: string, most: number): number {
  const value = record[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
  throw bad(`\`${name}\` must be a whole number from 0 to ${most}`);
}

function trigger(record: Record<string, unknown>): CloudTrigger {
  if (record.trigger === 'pir' || record.trigger === 'request') return record.trigger;
  throw bad('`trigger` must be pir or request');
}

function state(record: Record<string, unknown>): CloudState {
  const truth = (name: 'pir_armed' | 'capture_asap'): boolean => {
    const value = record[name] ?? cloudStateDefaults[name];
    if (typeof value === 'boolean') return value;
    throw bad(`\`${name}\` must be true or false`);
  };
  const number = (name: 'id' | 'heartbeat_period'): number => {
    const value = record[name] ?? cloudStateDefaults[name];
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw bad(`\`${name}\` must be a number`);
  };
  return {
    id: number('id'),
    heartbeat_period: number('heartbeat_period'),
    pir_armed: truth('pir_armed'),
    capture_asap: truth('capture_asap'),
  };
}

const bad = (message: string) => new ProtocolError('bad-capture-message', message);
