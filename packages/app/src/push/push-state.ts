import { type Answer, ask, tell } from '../http/ask.ts';
import { Fields } from '../http/fields.ts';

/** What somebody wants to hear of a device: all that it films, alarms only, or nothing. */
export const choices = ['all', 'alarms', 'nothing'] as const;
export type Choice = (typeof choices)[number];

/** When somebody is not told, by the clock of a place. `days`: on which it begins, 1 is Monday. */
export interface QuietHours {
  readonly from: string;
  readonly to: string;
  readonly zone: string;
  readonly days: readonly number[];
  /** Alarms are told all the same. */
  readonly alarms: boolean;
}

/** What this browser and its person are told of. Times are milliseconds since 1970. */
export interface PushState {
  /** What a browser subscribes with, base64url. */
  readonly publicKey: string;
  /** `undefined`: the relay sends nothing to this browser. */
  readonly subscription: Subscribed | undefined;
  readonly quiet: QuietHours | undefined;
  readonly devices: readonly DeviceChoice[];
}

export interface Subscribed {
  readonly endpoint: string;
  /** When this sign-in ends, and with it what is told. */
  readonly until: number | undefined;
  readonly delivered: number | undefined;
  /** Why the last one could not be sent. */
  readonly problem: string | undefined;
}

export interface DeviceChoice {
  readonly id: string;
  readonly name: string;
  readonly send: Choice;
}

/** Understands `GET /api/v1/push`. */
export function decodePush(value: unknown): PushState {
  const fields = new Fields(value);
  const subscription = fields.object('subscription');
  const quiet = fields.object('quiet');
  return {
    publicKey: fields.text('publicKey'),
    subscription: fields.has('subscription')
      ? {
          endpoint: subscription.text('endpoint'),
          until: subscription.time('until'),
          delivered: subscription.time('delivered'),
          problem: subscription.maybeText('problem'),
        }
      : undefined,
    quiet: fields.has('quiet')
      ? {
          from: quiet.text('from', '22:00'),
          to: quiet.text('to', '07:00'),
          zone: quiet.text('zone', 'UTC'),
          days: quiet.numbers('days'),
          alarms: quiet.flag('alarms'),
        }
      : undefined,
    devices: fields.list('devices', (device) => ({
      id: device.text('id'),
      name: device.text('name', device.text('id')),
      send: device.oneOf('send', choices, 'all'),
    })),
  };
}

/** Keeps what somebody wants, for all of his browsers. */
export const saveWishes = ({
  quiet,
  devices,
}: Pick<PushState, 'quiet' | 'devices'>): Promise<Answer<PushState>> =>
  ask('/api/v1/push/settings', decodePush, {
    method: 'PUT',
    body: {
      quiet: quiet ?? null,
      devices: Object.fromEntries(devices.map(({ id, send }) => [id, send])),
    },
  });

/** Has the relay send one to this browser. */
export const sendTest = (): Promise<Answer<undefined>> =>
  tell('/api/v1/push/test', { method: 'POST', body: {} });
