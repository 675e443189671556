import type { FastifyReply, FastifyRequest } from 'fastify';
import { isSecure } from '../auth/trusted-proxies.ts';
import { readCookie } from '../people/callers.ts';
import { CHALLENGE_LIFE } from '../people/passkey/challenges.ts';
import type { Question } from '../people/passkey/passkeys.ts';

// Between asking for a passkey and its answer the browser keeps a cookie: nobody else can answer in its place.

const COOKIE = 'perch_passkey';

export function sendQuestion(
  request: FastifyRequest,
  reply: FastifyReply,
  { options, secret }: Question<unknown>,
): FastifyReply {
  setCookie(request, reply, secret, CHALLENGE_LIFE / 1_000);
  return reply.header('Cache-Control', 'no-store').send(options);
}

/** @returns the cookie's secret, which is taken back: it is good for one answer. */
export function readQuestion(request: FastifyRequest, reply: FastifyReply): string {
  setCookie(request, reply, '', 0);
  return readCookie(request.headers.cookie, COOKIE) ?? '';
}

/** What the browser sends of a passkey. The library looks at what is in it. */
export const passkeyBody = (properties: object = {}, required: readonly string[] = []) => ({
  type: 'object',
  properties: { ...properties, response: { type: 'object', additionalProperties: true } },
  required: [...required, 'response'],
});

function setCookie(request: FastifyRequest, reply: FastifyReply, value: string, seconds: number): void {
  const secure = isSecure(request.raw) ? '; Secure' : '';
  const rest = `Path=/api/v1; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
  reply.header('Set-Cookie', `${COOKIE}=${value}; ${rest}`);
}
