import type { FastifyInstance } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Refusals } from '../audit/refusals.ts';
import { callerAddress } from '../auth/caller.ts';
import type { DeviceAuthority } from '../devices/authority.ts';
import type { Challenges } from '../devices/challenges.ts';
import type { Devices } from '../devices/devices.ts';
import type { Identities } from '../devices/identities.ts';
import type { ServerTrust } from '../devices/server-trust.ts';
import { known, userOf } from '../people/caller.ts';
import type { Users } from '../people/users.ts';
import { readSigningRequest } from '../tls/signing-request.ts';
import { deviceName } from './devices.ts';
import { dateOf, failures, time } from './shapes.ts';

export interface EnrolmentOptions {
  readonly devices: Devices;
  readonly authority: DeviceAuthority;
  readonly challenges: Challenges;
  readonly identities: Identities;
  readonly users: Users;
  readonly audit: Audit;
  readonly refusals: Refusals;
  /** What devices need to know in order to trust this relay's certificate. */
  readonly serverTrust: () => ServerTrust | undefined;
  /** Addresses that devices shall use, where one was chosen; none: the one that they asked. */
  readonly relays: () => readonly string[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const csr = {
  type: 'string',
  minLength: 1,
  maxLength: 8_192,
  description: 'PKCS #10, PEM, EC P-256',
} as const;
const BAD_CODE = 'the code is wrong, used, or older than ten minutes; an owner gets a new one in the app';
const trust = {
  type: 'string',
  description: "The authority that signed this relay's own certificate, PEM; absent where browsers know it",
} as const;

/** How a device comes to its identity, shows it, and keeps it. */
export function enrolmentRoutes(app: FastifyInstance, options: EnrolmentOptions): void {
  const { devices, authority, challenges, identities, users, audit, refusals, serverTrust, relays, now } =
    options;
  const describe = (summary: string, rest: object) => ({ schema: { summary, tags: ['devices'], ...rest } });
  const answer = (properties: object) => ({
    type: 'object',
    properties: {
      ...properties,
      certificate: { type: 'string', description: 'PEM' },
      ca: { type: 'string', description: "The authority of the devices' certificates, PEM" },
      trust,
      relays: {
        type: 'array',
        items: { type: 'string' },
        description: 'Addresses of relays, the best first; none: the one that was asked',
      },
      time,
    },
  });
  const certified = async (certificate: string) => ({
    certificate,
    ca: (await authority.ca()).certificate,
    ...trusted(serverTrust()),
    relays: relays(),
    time: dateOf(now()),
  });

  app.post<{ Body: { name: string } }>(
    '/api/v1/devices/codes',
    {
      config: { permit: { to: 'owner' } },
      ...describe('Makes a code that enrols one device within ten minutes', {
        security: [{ cookie: [] }],
        body: {
          type: 'object',
          properties: { name: deviceName },
          required: ['name'],
          additionalProperties: false,
        },
        response: {
          201: {
            type: 'object',
            properties: {
              code: { type: 'string' },
              expires: time,
              command: { type: 'string', description: 'What to type on the device' },
              qr: { type: 'string', description: 'The command as a picture, SVG' },
            },
          },
          ...failures,
        },
      }),
    },
    async (request, reply) => {
      const { user, household, who } = userOf(request.caller);
      const name = request.body.name.trim();
      const made = await devices.makeCode({ household, name, madeBy: user.id });
      if (made === 'busy') {
        const message = 'there are 20 codes already that nobody has used; wait until they expire';
        return reply.code(429).header('Retry-After', '600').send({ code: 429, message });
      }
      audit.done({ who, household, what: 'device-code', from: callerAddress(request.raw), detail: name });
      // The page that asks knows how the relay is reached, whatever stands in front of it.
      const url = request.headers.origin ?? '';
      const pin = serverTrust()?.pin;
      const command = ['perch enroll', url, made.code, ...(pin ? ['--pin', pin] : [])].join(' ');
      const qrcode = await import('qrcode');
      const qr = await qrcode.toString(command, { type: 'svg', margin: 2 });
      return reply
        .code(201)
        .header('Cache-Control', 'no-store')
        .send({ code: made.code, expires: dateOf(made.expires), command, qr });
    },
  );

  app.post<{ Body: { code: string; csr: string } }>(
    '/api/v1/enroll',
    {
      config: { permit: { to: 'everyone' }, limit: 'enrolment' },
      ...describe('Spends a code: the key of the request is that of a new device', {
        body: {
          type: 'object',
          properties: { code: { type: 'string', minLength: 1, maxLength: 32 }, csr },
          required: ['code', 'csr'],
          additionalProperties: false,
        },
        response: { 201: answer({ device: { type: 'string' }, name: { type: 'string' } }), ...failures },
      }),
    },
    async (request, reply) => {
      const from = callerAddress(request.raw);
      // A bad request does not cost the code.
      const asked = await readSigningRequest(request.body.csr);
      if (asked.kind === 'bad') return reply.code(400).send({ code: 400, message: `csr: ${asked.why}` });
      const enrolment = await devices.enrol(request.body.code, asked.publicKey);
      if (!enrolment) {
        refusals.note({ what: 'device-enrol', from, detail: BAD_CODE });
        return reply.code(401).send({ code: 401, message: BAD_CODE });
      }
      const { device, certificate, madeBy } = enrolment;
      const owner = madeBy === undefined ? undefined : await users.find(madeBy);
      const who = owner ? ({ kind: 'user', id: owner.id, name: owner.name } as const) : BY_HOST;
      const { id, household, name } = device;
      audit.done({ who, household, what: 'device-enrol', device: id, from, detail: name });
      return reply
        .code(201)
        .header('Cache-Control', 'no-store')
        .send({ device: id, name, ...(await certified(certificate.pem)) });
    },
  );

  app.post<{ Body: { csr: string } }>(
    '/api/v1/devices/renew',
    {
      config: { permit: { to: 'enrolled' } },
      ...describe('Another certificate for the device that asks; the one that it has stays good to its end', {
        body: { type: 'object', properties: { csr }, required: ['csr'], additionalProperties: false },
        response: { 200: answer({}), ...failures },
      }),
    },
    async (request, reply) => {
      const { who, household } = known(request.caller);
      const device = who.id ?? '';
      const asked = await readSigningRequest(request.body.csr);
      if (asked.kind === 'bad') return reply.code(400).send({ code: 400, message: `csr: ${asked.why}` });
      const certificate = await devices.renew(device, asked.publicKey);
      // It was removed while it asked.
      if (!certificate) return reply.code(401).send({ code: 401, message: 'this device was removed' });
      const from = callerAddress(request.raw);
      const detail = `certificate ${certificate.serial}, until ${dateOf(certificate.until)}`;
      audit.done({ who, household, what: 'device-renew', device, from, detail });
      return reply.header('Cache-Control', 'no-store').send(await certified(certificate.pem));
    },
  );

  app.get(
    '/api/v1/devices/challenge',
    {
      config: { permit: { to: 'everyone' } },
      ...describe('A nonce for a device to sign: it works once, within a minute', {
        response: {
          200: {
            type: 'object',
            properties: {
              nonce: { type: 'string' },
              time,
              device: {
                type: 'string',
                description: 'Whom the TLS certificate shows already: nothing need be signed',
              },
              trust,
            },
          },
          ...failures,
        },
      }),
    },
    async (request, reply) => {
      const shown = await identities.identify(request.raw);
      return reply.header('Cache-Control', 'no-store').send({
        nonce: await challenges.make(),
        time: dateOf(now()),
        ...(shown && { device: shown.device }),
        ...trusted(serverTrust()),
      });
    },
  );
}

const BY_HOST = { kind: 'host' } as const;

const trusted = (server: ServerTrust | undefined) => (server ? { trust: server.authority } : {});
