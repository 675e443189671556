import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CORS } from '../api/session.ts';
import { complains, frameError, says } from './access-answers.ts';
import type { AccessDesk } from './access-desk.ts';
import { accessPage, accessSpec } from './access-spec.ts';
import { BOOKING_ID_CHARS } from './bookings.ts';
import { toStatus } from './reports.ts';

/**
 * practable relay's access API (COMPAT 3.3) but for `POST /session`, which {@link sessionHook} answers: the lists of
 * bookings, the status, the API's description, and fair words for what it does not know.
 */
export function accessRoutes(app: FastifyInstance, desk: AccessDesk): void {
  const schema = { hide: true };
  const config = { permit: { to: 'legacy' } } as const;
  const anyone = { config: { permit: { to: 'everyone' } } as const, schema };

  const answers = (answer: typeof deny) => ({
    config,
    schema,
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => answer(request, reply, desk),
  });
  app.post('/bids/deny', answers(deny), none);
  app.post('/bids/allow', answers(allow), none);
  for (const list of ['denied', 'allowed'] as const) {
    app.get(`/bids/${list === 'denied' ? 'deny' : 'allow'}`, { config, schema }, async (request, reply) => {
      const token = desk.authorise(request, reply);
      if (!token) return reply;
      if (!desk.isAdmin(token)) return complains(reply, 401, 'token missing relay:admin scope');
      return says(reply, 200, { booking_ids: desk.bookings[list] });
    });
  }

  app.get('/status', { config, schema }, async (request, reply) => {
    const token = desk.authorise(request, reply);
    if (!token) return reply;
    if (!token.hasAudience || !token.scopes.includes('relay:stats')) {
      return complains(reply, 401, 'token missing relay:stats scope');
    }
    return says(reply, 200, desk.reports().map(toStatus));
  });

  app.get('/swagger.json', anyone, async (_request, reply) => says(reply, 200, accessSpec));
  app.get('/docs', anyone, async (_request, reply) =>
    reply
      .headers({
        'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      })
      .type('text/html; charset=utf-8')
      .send(accessPage),
  );

  for (const path of ['/bids/deny', '/bids/allow', '/status']) {
    app.options(path, anyone, async (_request, reply) => reply.headers(CORS).code(204).send());
  }
  refuseOthers(app, '/session/*', ['POST']);
  refuseOthers(app, '/bids/deny', ['GET', 'POST']);
  refuseOthers(app, '/bids/allow', ['GET', 'POST']);
  refuseOthers(app, '/status', ['GET']);
}

/** Cancels a booking: whoever is connected by it is cut off before this answers. */
async function deny(request: FastifyRequest, reply: FastifyReply, desk: AccessDesk): Promise<FastifyReply> {
  const call = readCall(request, reply, desk);
  if (!call) return reply;
  if (!call.isAdmin) {
    const words = 'is token missing relay:admin scope? missing relay:admin Scope';
    return complains(reply, 401, words);
  }
  if (call.exp * 1000 < desk.clock.wall()) {
    return complains(reply, 400, `booking expiry time (exp) of [${call.exp}] missing or in the past`);
  }
  if (!(await desk.deny(request, call.bid, call.exp))) {
    return complains(reply, 503, 'the list of bookings is full; try again later');
  }
  return reply.headers(CORS).code(204).send();
}

async function allow(request: FastifyRequest, reply: FastifyReply, desk: AccessDesk): Promise<FastifyReply> {
  const call = readCall(request, reply, desk);
  if (!call) return reply;
  if (!call.isAdmin) return complains(reply, 401, 'token missing relay:admin scope');
  if (call.exp * 1000 < desk.clock.wall()) {
    return complains(reply, 400, 'exp (booking expiry time) missing or in the past');
  }
  await desk.allow(request, call.bid, call.exp);
  return reply.headers(CORS).code(204).send();
}

interface BookingCall {
  readonly isAdmin: boolean;
  readonly bid: string;
  /** Seconds since 1970. */
  readonly exp: number;
}

/** Who asks, then for what; where either is wrong the answer is given here. */
function readCall(request: FastifyRequest, reply: FastifyReply, desk: AccessDesk): BookingCall | undefined {
  const token = desk.authorise(request, reply);
  if (!token) return undefined;
  const query = new URLSearchParams(request.url.split('?')[1] ?? '');
  const bid = query.get('bid') ?? '';
  const exp = query.get('exp') ?? '';
  // 602 and 601 are the older frame's codes for a parameter that is missing, and one of another type.
  if (bid === '') frameError(reply, 422, 'bid in query is required', 602);
  else if (exp === '') frameError(reply, 422, 'exp in query is required', 602);
  else if (!/^-?\d{1,12}$/.test(exp)) {
    frameError(reply, 422, `exp in query must be of type int64: ${JSON.stringify(exp.slice(0, 64))}`, 601);
  } else if (bid.length > BOOKING_ID_CHARS) {
    frameError(reply, 422, `bid in query has at most ${BOOKING_ID_CHARS} characters`, 601);
  } else return { isAdmin: desk.isAdmin(token), bid, exp: Number(exp) };
  return undefined;
}

/** A wrong verb. `/session/x?code=` is where a WebSocket belongs, and is told that as before (COMPAT 3.5). */
function refuseOthers(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  const method = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((verb) => !allowed.includes(verb));
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) => {
    if (url.startsWith('/session/') && /[?&]code=/.test(request.url)) {
      return reply.code(400).type('text/plain; charset=utf-8').send('Bad Request\n');
    }
    reply.header('Allow', allowed.join(', '));
    return frameError(reply, 405, `method ${request.method} is not allowed, but [${allowed.join(',')}] are`);
  };
  const config = { permit: { to: 'everyone' } } as const;
  app.route({
    method,
    url,
    config,
    schema: { hide: true },
    exposeHeadRoute: false,
    onRequest,
    handler: none,
  });
}

/** Never called: the hook before it has answered, without reading a body that nobody asked for. */
async function none(): Promise<void> {
  // nothing is left to do
}
