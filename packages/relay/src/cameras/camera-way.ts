import type { CameraCommand } from '@perch/protocol';
import type { Millis } from '@perch/runtime';
import type { DeviceLinks } from '../devices/control/device-links.ts';
import { refusalOf } from '../devices/control/refusal.ts';

/** What became of a command on its way to a camera program. */
export type Delivery =
  /** The camera program has it. */
  | { readonly kind: 'handed' }
  /** The device has it; what it does with it, such a device does not say. */
  | { readonly kind: 'delivered' }
  /** The device was not asked. */
  | { readonly kind: 'unsent' }
  /** It was asked and did not answer: it may have done it. */
  | { readonly kind: 'unknown' }
  /** It says why not. */
  | { readonly kind: 'failed'; readonly why: string };

/** The way to a device while it is connected to this relay. */
export interface CameraWay {
  /**
   * Tells it at once, in the order of the calls.
   *
   * @param within so long there is a use in it.
   * @param onDelivered called when the device has it, before the end of it all.
   */
  tell(command: CameraCommand, within: Millis, onDelivered: () => void): Promise<Delivery>;
}

/** The way over an agent's control connection; `undefined` while it is not connected here. */
export function agentWay(links: DeviceLinks, device: string): CameraWay | undefined {
  if (!links.sight(device).online) return undefined;
  const { requests } = links.of(device);
  return {
    async tell(command, within, onDelivered) {
      const answer = await requests.ask({ kind: 'command', command }, { within, onBegun: onDelivered });
      switch (answer.kind) {
        case 'done':
          return { kind: 'handed' };
        case 'failed':
          return { kind: 'failed', why: refusalOf(answer).message };
        case 'offline':
        case 'busy':
          return { kind: 'unsent' };
        case 'unknown':
          return { kind: 'unknown' };
      }
    },
  };
}
