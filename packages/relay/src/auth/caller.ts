import type { IncomingMessage } from 'node:http';

/**
 * From where a request comes, for people to read, never for rights: the connection's address, with what a proxy on the
 * way says before it.
 */
export function callerAddress(request: IncomingMessage): string {
  const socket = request.socket.remoteAddress ?? 'unknown';
  const said = headerText(request.headers['x-forwarded-for'], 200);
  return said === '' ? socket : `${said} via ${socket}`;
}

/** The program that asks, as it says itself. */
export const callerProgram = (request: IncomingMessage): string =>
  headerText(request.headers['user-agent'], 256);

const headerText = (value: string | string[] | undefined, most: number): string =>
  (Array.isArray(value) ? value.join(', ') : (value ?? '')).slice(0, most);
