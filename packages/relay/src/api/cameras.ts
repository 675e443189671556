import { type CameraCommand, cameraCommands, cameraLimits } from '@perch/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Act } from '../audit/entry.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Command } from '../cameras/camera.ts';
import type { Cameras } from '../cameras/cameras.ts';
import type { ScheduleRow } from '../cameras/schedule.ts';
import { shownCamera, shownCommand } from '../cameras/shown-camera.ts';
import { zoneNamed } from '../cameras/zone-time.ts';
import { known } from '../people/caller.ts';
import type { Permit } from './permit.ts';
import { byId, failures, time, timeOrNull } from './shapes.ts';

export interface CameraRoutesOptions {
  readonly cameras: Cameras;
  readonly audit: Audit;
}

type OfDevice = { Params: { id: string } };
type GivenSchedule = { zone?: string; weekly: ScheduleRow[]; isOn?: boolean } | null;

/** Whether a device's camera is armed, when it is to be, and what it is told. */
export function cameraRoutes(app: FastifyInstance, { cameras, audit }: CameraRoutesOptions): void {
  const permit: Permit = { to: 'device', permission: 'command' };
  const toPlan: Permit = { ...permit, least: 'member' };
  const describe = (summary: string, status: 200 | 202, properties: object, rest: object = {}) => ({
    config: { permit },
    schema: {
      summary,
      tags: ['devices'],
      security: [{ cookie: [] }],
      params: byId,
      response: { [status]: { type: 'object', properties }, ...failures },
      ...rest,
    },
  });
  const show = async (device: string) => shownCamera(await cameras.show(device));

  app.get<OfDevice>(
    '/api/v1/devices/:id/camera',
    describe('Whether its camera is armed, is to be, and what it was told', 200, cameraShape),
    ({ params }) => show(params.id),
  );

  app.put<OfDevice & { Body: { armed: boolean } }>(
    '/api/v1/devices/:id/camera',
    describe(
      'Arms or disarms it, until its schedule switches next; now, or when it comes back',
      200,
      cameraShape,
      {
        body: {
          type: 'object',
          properties: { armed: { type: 'boolean' } },
          required: ['armed'],
          additionalProperties: false,
        },
      },
    ),
    async (request) => {
      await ask(request, request.body.armed ? 'arm' : 'disarm');
      return show(request.params.id);
    },
  );

  app.put<OfDevice & { Body: GivenSchedule }>(
    '/api/v1/devices/:id/camera/schedule',
    {
      ...describe('When it is armed, week by week; `null` takes the schedule away', 200, cameraShape, {
        body: scheduleShape,
      }),
      config: { permit: toPlan },
    },
    async (request, reply) => {
      const { id: device } = request.params;
      const given = request.body ?? null;
      if (!given) {
        await cameras.setSchedule(device, known(request.caller).household, undefined);
        note(request, 'device-schedule', 'taken away');
        return show(device);
      }
      const named = given.zone ?? (await cameras.show(device)).camera?.zone;
      const zone = named === undefined ? undefined : zoneNamed(named);
      if (zone === undefined) {
        const message =
          named === undefined ? NO_ZONE : `zone: there is no time zone ${JSON.stringify(named)}`;
        return reply.code(400).send({ code: 400, message });
      }
      const { weekly, isOn = true } = given;
      await cameras.setSchedule(device, known(request.caller).household, { zone, weekly, isOn });
      note(request, 'device-schedule', `${isOn ? 'on' : 'off'}, ${weekly.length} rows, ${zone}`);
      return show(device);
    },
  );

  app.post<OfDevice & { Body: { command: CameraCommand } }>(
    '/api/v1/devices/:id/commands',
    describe(
      'Tells its camera program; what becomes of it is in `camera`, and in its events',
      202,
      commandShape,
      {
        body: {
          type: 'object',
          properties: { command: { type: 'string', enum: [...cameraCommands] } },
          required: ['command'],
          additionalProperties: false,
        },
      },
    ),
    async (request, reply) => {
      const command = await ask(request, request.body.command);
      return reply.code(202).send(shownCommand(command));
    },
  );

  async function ask(request: FastifyRequest<OfDevice>, command: CameraCommand): Promise<Command> {
    const { who: by, household } = known(request.caller);
    const asked = await cameras.ask({ device: request.params.id, household, command, by });
    note(request, 'device-command', `command ${command}`);
    return asked;
  }

  function note(request: FastifyRequest<OfDevice>, what: Act, detail: string): void {
    const { who, household } = known(request.caller);
    const { id: device } = request.params;
    audit.done({ who, household, device, what, from: callerAddress(request.raw), detail });
  }
}

const NO_ZONE = 'zone: the device has not said in which time zone it is: give one, such as Europe/Berlin';

const stateShape = { type: ['boolean', 'null'] } as const;
const asker = {
  type: ['string', 'null'],
  description: 'Whose name; `the schedule`; or `the relay, once more`: to a device that came back otherwise',
} as const;
const timeOfDay = { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' } as const;
const weekly = {
  type: 'array',
  maxItems: cameraLimits.scheduleRows,
  items: {
    type: 'object',
    properties: {
      days: {
        type: 'array',
        minItems: 1,
        maxItems: 7,
        uniqueItems: true,
        items: { type: 'integer', minimum: 1, maximum: 7 },
        description: 'On which it begins: 1 is Monday, 7 Sunday',
      },
      from: timeOfDay,
      to: { ...timeOfDay, description: 'At or before `from`: of the next day' },
    },
    required: ['days', 'from', 'to'],
    additionalProperties: false,
  },
} as const;
const zone = {
  type: 'string',
  maxLength: cameraLimits.zoneChars,
  description: "As IANA names it. Default: the device's own",
} as const;
const scheduleShape = {
  type: ['object', 'null'],
  properties: { zone, weekly, isOn: { type: 'boolean', description: 'Default true' } },
  required: ['weekly'],
  additionalProperties: false,
} as const;
const commandShape = {
  id: { type: 'string' },
  command: { type: 'string', enum: [...cameraCommands] },
  by: asker,
  asked: time,
  delivered: { ...timeOrNull, description: 'When the device had it' },
  handed: { ...timeOrNull, description: 'When the camera program had it' },
  failed: { type: ['string', 'null'], description: 'Why it has not, in words' },
} as const;
const cameraShape = {
  armed: {
    type: 'object',
    properties: {
      wanted: { ...stateShape, description: 'null: nobody ever said' },
      known: { ...stateShape, description: 'What the camera program was told last. null: it does not know' },
      by: asker,
      at: timeOrNull,
    },
  },
  problem: { type: ['string', 'null'], description: 'Why the camera program cannot be told now' },
  zone: { type: ['string', 'null'], description: "The device's own time zone" },
  schedule: {
    type: ['object', 'null'],
    properties: {
      zone: { type: 'string' },
      weekly: { type: 'array', items: { type: 'object', additionalProperties: true } },
      isOn: { type: 'boolean' },
      next: { ...timeOrNull, description: 'When it switches next' },
    },
  },
  last: {
    type: 'array',
    description: 'The newest commands first',
    items: { type: 'object', properties: commandShape },
  },
} as const;
