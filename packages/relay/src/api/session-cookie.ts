import type { FastifyReply, FastifyRequest } from 'fastify';
import type { NewSession } from '../auth/app-sessions.ts';
import { isSecure } from '../auth/trusted-proxies.ts';
import { SESSION_COOKIE } from '../people/callers.ts';

/** Gives the browser its session: no script reads it, no other site sends it along with a change. */
export function giveCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  { cookie, session }: NewSession,
): void {
  const seconds = Math.max(1, Math.ceil((session.expires - session.created) / 1_000));
  set(request, reply, `${SESSION_COOKIE}=${cookie}`, seconds);
}

/** Takes it back. */
export function takeCookie(request: FastifyRequest, reply: FastifyReply): void {
  set(request, reply, `${SESSION_COOKIE}=`, 0);
}

function set(request: FastifyRequest, reply: FastifyReply, pair: string, seconds: number): void {
  const secure = isSecure(request.raw);
  const parts = [
    pair,
    'Path=/',
    `Max-Age=${seconds}`,
    'HttpOnly',
    'SameSite=Lax',
    ...(secure ? ['Secure'] : []),
  ];
  reply.header('Set-Cookie', parts.join('; ')).header('Cache-Control', 'no-store');
}
