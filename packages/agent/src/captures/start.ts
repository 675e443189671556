import type { CameraCommand } from '@perch/protocol';
import type { Clock, Logger } from '@perch/runtime';
import { RequestError } from '../control/session.ts';
import type { Identity } from '../identity/identity.ts';
import type { Dialer } from '../uplink/dial.ts';
import type { Uplinks } from '../uplink/uplinks.ts';
import { dialForCaptures, liveDelayOf } from '../upload/to-relay.ts';
import { Uploader } from '../upload/uploader.ts';
import { type CaptureOptions, Captures } from './captures.ts';
import { CameraError } from './errors.ts';

/** What an agent gives to its captures. */
export interface StartOptions {
  readonly data: string;
  readonly options: CaptureOptions;
  /** Without it the device is not enrolled: films wait in the spool until it is. */
  readonly identity: Identity | undefined;
  readonly uplinks: Uplinks;
  readonly dialer: Dialer;
  /** The relay that the agent is connected to. */
  readonly relay: () => string | null | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Starts the captures of an agent: they go to its relay, and yield to its live video. */
export function startCaptures({
  identity,
  uplinks,
  dialer,
  relay,
  ...parts
}: StartOptions): Promise<Captures> {
  return Captures.start({
    ...parts,
    ...(identity && {
      upload: (uploading) =>
        new Uploader({
          ...uploading,
          dial: dialForCaptures(identity, dialer, relay),
          liveDelay: liveDelayOf(uplinks),
        }),
    }),
  });
}

/** What a relay asks the camera program for, in the control connection's terms. */
export function tellingCamera(captures: Captures): (command: CameraCommand) => Promise<void> {
  return async (command) => {
    try {
      await captures.tell(command);
    } catch (error) {
      if (!(error instanceof CameraError)) throw error;
      const { code, message } = error;
      throw new RequestError({ status: code === 'camera-none' ? 501 : 503, code, message }, { cause: error });
    }
  };
}
