import type { FastifyReply, FastifyRequest } from 'fastify';
import type { NewSession } from '../auth/app-sessions.ts';
import { isSecure } from '../auth/trusted-proxies.ts';
import { SESSION_COOKIE } from '../people/callers.ts';

export interface CookieOptions {
  /** The relay itself speaks TLS. */
  readonly isTls: boolean;
}

/** Gives the browser its session: no script reads it, no other site sends it along with a change. */
export function giveCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  { cookie, session }: NewSession,
  options: CookieOptions,
): void {
  const seconds = Math.max(1, Math.ceil((session.expires - session.created) / 1_000));
  set(request, reply, `${SESSION_COOKIE}=${cookie}`, seconds, options);
}

/** Takes it back. */
export function takeCookie(request: FastifyRequest, reply: FastifyReply, options: CookieOptions): void {
  set(request, reply, `${SESSION_COOKIE}=`, 0, options);
}

function set(
  request: FastifyRequest,
  reply: FastifyReply,
  pair: string,
  seconds: number,
  { isTls }: CookieOptions,
): void {
  const secure = isTls || isSecure(request.raw);
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
