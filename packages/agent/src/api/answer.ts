import type { IncomingMessage, ServerResponse } from 'node:http';

/** Plain text is never to be taken for anything else; the same header as Go's `http.Error` gives. */
const TEXT = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' } as const;

/** A refusal in words, as vw gives them: text, newline at the end. The connection ends where a body was left unread. */
export function refuse(response: ServerResponse, status: number, words: string): void {
  if (response.headersSent) return;
  if (hasUnreadBody(response.req)) response.setHeader('Connection', 'close');
  const body = `${words}\n`;
  response.writeHead(status, { ...TEXT, 'Content-Length': Buffer.byteLength(body) }).end(body);
}

/** A status and nothing else. */
export function empty(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  if (hasUnreadBody(response.req)) response.setHeader('Connection', 'close');
  response.writeHead(status, { ...headers, 'Content-Length': 0 }).end();
}

/** JSON as vw answers it: no charset, no newline at the end. */
export function json(response: ServerResponse, value: unknown): void {
  const body = JSON.stringify(value);
  response
    .writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    })
    .end(body);
}

/** Text of another type. */
export function text(
  response: ServerResponse,
  type: string,
  body: string,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(200, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(body),
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    })
    .end(body);
}

/** Whether a body is on its way that nobody will read, perhaps one without end. */
function hasUnreadBody({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
