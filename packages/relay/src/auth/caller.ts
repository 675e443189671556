import type { IncomingMessage } from 'node:http';

/**
 * From where a request comes: the address that a proxy of ours names, else the connection's own
 * (`TrustedProxies.settle` has taken out what anybody else says).
 */
export const callerAddress = (request: IncomingMessage): string =>
  headerText(request.headers['x-forwarded-for'], 64) ||
  (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/i, '');

/** The program that asks, as it says itself. */
export const callerProgram = (request: IncomingMessage): string =>
  headerText(request.headers['user-agent'], 256);

const headerText = (value: string | string[] | undefined, most: number): string =>
  (Array.isArray(value) ? value.join(', ') : (value ?? '')).slice(0, most);
