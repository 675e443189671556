import { type Millis, millis } from '@perch/runtime';

/** What bounds the switching of cameras. Times in milliseconds. */
export const cameraLimits = {
  /** A `capture` that has not reached its device after so long is not made any more. */
  captureLife: millis(30_000),
  /** So many commands of a device are remembered; the API shows the newest of them. */
  commandsKept: 100,
  commandsShown: 20,
  /** A relay that began to deliver a command and has not said what became of it for so long has stopped in between. */
  deliveryTime: millis(60_000),
  /** How often a relay looks what other relays were asked, and what schedules switch. */
  pollPeriod: millis(500),
  /** Rows of one weekly schedule. */
  scheduleRows: 28,
  /** Longest name of a time zone. */
  zoneChars: 64,
  /** An agent whose camera program does not listen tries again after the first, then twice as long each time, up to the second. */
  handOver: millis(1_000),
  handOverMost: millis(30_000),
} as const satisfies Record<string, number | Millis>;

/** What an agent says of its camera program, as the one item of the list `cameras` in its state. */
export interface CameraState {
  /** Its name: an agent has one camera program. */
  readonly camera: 'camera';
  /** What it is to be, as the agent heard last; `null`: nobody ever said. */
  readonly armed: boolean | null;
  /** What the camera program was told last; `null`: nothing since the agent started, or since it stopped listening. */
  readonly told: boolean | null;
  /** Why it cannot be told, in words; `null`: it could. */
  readonly problem: string | null;
  /** The device's own time zone, as IANA names it. */
  readonly zone: string;
}

/**
 * Reads what an agent says of its camera program.
 *
 * @returns `undefined` where it is nothing of the kind: an older agent, or one that takes no captures.
 */
export function readCameraState(
  item: Readonly<Record<string, unknown>> | undefined,
): CameraState | undefined {
  if (!item) return undefined;
  const { armed, told, problem, zone } = item;
  const isState = (value: unknown): value is boolean | null => typeof value === 'boolean' || value === null;
  if (!isState(armed) || !isState(told)) return undefined;
  if (problem !== null && typeof problem !== 'string') return undefined;
  if (typeof zone !== 'string' || zone.length > cameraLimits.zoneChars) return undefined;
  return { camera: 'camera', armed, told, problem: problem?.slice(0, 500) ?? null, zone };
}
