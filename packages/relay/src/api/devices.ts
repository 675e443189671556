import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Revocations } from '../auth/revocations.ts';
import type { Device } from '../devices/device.ts';
import type { Devices } from '../devices/devices.ts';
import { known, userOf } from '../people/caller.ts';
import { permissions } from '../people/permissions.ts';
import { rightAt } from '../people/rights.ts';
import { byId, dateOf, dateOrNull, doneTo, failures, listOf, time, timeOrNull } from './shapes.ts';

/** Longest name of a device, in characters. */
export const MOST_NAME_CHARS = 64;

export const deviceName = {
  type: 'string',
  minLength: 1,
  maxLength: MOST_NAME_CHARS,
  // Something to be seen, and nothing that moves the cursor.
  pattern: '^(?=.*\\S)[^\\p{C}]+$',
  description: 'What people call it',
} as const;

export interface DevicesRoutesOptions {
  readonly devices: Devices;
  readonly revocations: Revocations;
  readonly audit: Audit;
  /** Whether a device is connected now. */
  readonly isOnline: (device: string) => boolean;
}

/** The household's devices: which there are, what they are called, and how to end one. */
export function devicesRoutes(app: FastifyInstance, options: DevicesRoutesOptions): void {
  const { devices, revocations, audit, isOnline } = options;
  const describe = (summary: string, rest: object) => ({
    schema: { summary, tags: ['devices'], security: [{ cookie: [] }], ...rest },
  });
  const shape = {
    id: { type: 'string', description: 'It publishes under <id>/…' },
    name: { type: 'string' },
    enrolled: time,
    certificateExpires: time,
    online: { type: 'boolean' },
    lastSeen: timeOrNull,
    address: { type: ['string', 'null'], description: 'From where it came last' },
  };
  const one = { response: { 200: { type: 'object', properties: shape }, ...failures }, params: byId };
  const shown = (device: Device) => ({
    id: device.id,
    name: device.name,
    enrolled: dateOf(device.enrolled),
    certificateExpires: dateOf(device.certificateExpires),
    online: isOnline(device.id),
    lastSeen: dateOrNull(device.lastSeen),
    address: device.address ?? null,
  });
  const note = (request: FastifyRequest, what: 'device-rename' | 'device-remove', device: Device) => {
    const { who, household } = userOf(request.caller);
    const from = callerAddress(request.raw);
    audit.done({ who, household, what, device: device.id, from, detail: device.name });
  };

  app.get(
    '/api/v1/devices',
    {
      config: { permit: { to: 'session' } },
      ...describe('The devices that the caller has anything to do with', listOf(shape)),
    },
    async (request) => {
      const caller = known(request.caller);
      const all = await devices.list(caller.household);
      const has = ({ household, id }: Device) =>
        rightAt(caller, { household, device: id }, permissions).permissions.length > 0;
      return all.filter(has).map(shown);
    },
  );
  app.get<{ Params: { id: string } }>(
    '/api/v1/devices/:id',
    { config: { permit: { to: 'device', permission: 'any' } }, ...describe('One device', one) },
    async (request, reply) => {
      const device = await devices.find(request.params.id);
      return device ? shown(device) : noDevice(reply);
    },
  );
  app.patch<{ Params: { id: string }; Body: { name: string } }>(
    '/api/v1/devices/:id',
    {
      config: { permit: { to: 'owner' } },
      ...describe('Gives a device another name; its id and its topics stay', {
        ...one,
        body: {
          type: 'object',
          properties: { name: deviceName },
          required: ['name'],
          additionalProperties: false,
        },
      }),
    },
    async (request, reply) => {
      const { household } = userOf(request.caller);
      const device = await devices.rename(request.params.id, household, request.body.name.trim());
      if (!device) return noDevice(reply);
      note(request, 'device-rename', device);
      return shown(device);
    },
  );
  app.delete<{ Params: { id: string } }>(
    '/api/v1/devices/:id',
    {
      config: { permit: { to: 'owner' } },
      ...describe('Removes a device: its certificates are worthless, what it has open ends', doneTo),
    },
    async (request, reply) => {
      const { household } = userOf(request.caller);
      const device = await devices.remove(request.params.id, household);
      if (!device) return noDevice(reply);
      note(request, 'device-remove', device);
      await revocations.poll();
      return reply.code(204).send();
    },
  );
}

const noDevice = (reply: FastifyReply): FastifyReply =>
  reply.code(404).send({ code: 404, message: 'there is no such device' });
