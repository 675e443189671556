import { type Answer, segment, tell } from '../../http/ask.ts';
import { Fields } from '../../http/fields.ts';
import { decodeSchedule, type Schedule } from './schedule.ts';

export const commands = ['arm', 'disarm', 'capture'] as const;
export type Command = (typeof commands)[number];

/** How far a command came. Times are milliseconds since 1970. */
export interface Told {
  readonly id: string;
  readonly command: Command;
  /** Who asked. */
  readonly by: string;
  readonly asked: number | undefined;
  /** When the device had it. */
  readonly delivered: number | undefined;
  /** When the camera program had it. */
  readonly handed: number | undefined;
  /** Why it came to nothing, in words. */
  readonly failed: string | undefined;
}

/** What is known of a device's camera program. */
export interface Camera {
  /** What it is to be; `undefined`: nobody ever said. */
  readonly wanted: boolean | undefined;
  /** What it was told last; `undefined`: nothing that is known. */
  readonly known: boolean | undefined;
  /** Who said what it is to be, and when; empty: nobody. */
  readonly by: string;
  readonly at: number | undefined;
  /** Why it cannot be told anything now, in words. */
  readonly problem: string | undefined;
  readonly schedule: Schedule | undefined;
  /** The device's own time zone, where it said so. */
  readonly zone: string | undefined;
  /** The newest first. */
  readonly last: readonly Told[];
}

export const cameraPath = (device: string): string => `/api/v1/devices/${segment(device)}/camera`;

/** Understands `GET /api/v1/devices/{id}/camera`, and the data of an event `camera`. */
export function decodeCamera(value: unknown): Camera {
  const fields = new Fields(value);
  const armed = fields.object('armed');
  return {
    wanted: armed.maybeFlag('wanted'),
    known: armed.maybeFlag('known'),
    by: armed.text('by'),
    at: armed.time('at'),
    problem: fields.maybeText('problem'),
    schedule: fields.has('schedule') ? decodeSchedule(fields.object('schedule')) : undefined,
    zone: fields.maybeText('zone'),
    last: fields.list('last', decodeTold).sort((a, b) => (b.asked ?? 0) - (a.asked ?? 0)),
  };
}

function decodeTold(fields: Fields): Told | undefined {
  const id = fields.maybeText('id');
  const command = commands.find((one) => one === fields.text('command'));
  if (id === undefined || command === undefined) return undefined;
  return {
    id,
    command,
    by: fields.text('by'),
    asked: fields.time('asked'),
    delivered: fields.time('delivered'),
    handed: fields.time('handed'),
    failed: fields.maybeText('failed'),
  };
}

/** Says what the camera is to be from now on; a device that is away learns it when it is back. */
export const setArmed = (device: string, armed: boolean): Promise<Answer<undefined>> =>
  tell(cameraPath(device), { method: 'PUT', body: { armed } });

/** Asks for a film now. It is not made later: a device that is away says so. */
export const askForFilm = (device: string): Promise<Answer<undefined>> =>
  tell(`/api/v1/devices/${segment(device)}/commands`, { method: 'POST', body: { command: 'capture' } });

export const setSchedule = (device: string, schedule: Schedule): Promise<Answer<undefined>> =>
  tell(`${cameraPath(device)}/schedule`, { method: 'PUT', body: schedule });

/** What a camera is, in a word and in a line. */
export function armedWords(camera: Camera, isOnline: boolean): { word: string; hint: string } {
  const { wanted, known } = camera;
  if (wanted === undefined || wanted === known) return settledWords[`${known}`];
  const [done, doing] = wanted ? ['armed', 'Arming …'] : ['disarmed', 'Disarming …'];
  const word = known === undefined ? `Not ${done}` : settledWords[`${known}`].word;
  if (!isOnline) return { word, hint: `It is to be ${done} as soon as the device is back.` };
  if (whyNot(camera)) return { word, hint: `It is to be ${done}, and its camera program does not know.` };
  return { word: doing, hint: `Its camera program is being told to be ${done}.` };
}

const settledWords = {
  true: { word: 'Armed', hint: 'It films when something moves.' },
  false: { word: 'Disarmed', hint: 'It films only when it is asked.' },
  undefined: { word: 'Not known', hint: 'Nobody has armed it from here.' },
} as const;

/** Why its camera program cannot be told what it is to be, in words; `undefined`: nothing is in the way. */
export function whyNot({ problem, last }: Camera): string | undefined {
  return problem ?? last.find(({ command }) => command !== 'capture')?.failed;
}

/** How far a command came, as steps that are done or not. */
export function stepsOf({ asked, delivered, handed }: Told): { word: string; at: number | undefined }[] {
  return [
    { word: 'Asked', at: asked },
    { word: 'On the device', at: delivered ?? handed },
    { word: 'With the camera', at: handed },
  ];
}
