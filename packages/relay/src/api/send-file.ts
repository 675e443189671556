import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface SentFile {
  readonly path: string;
  readonly type: string;
  /** Under which name a browser is to save it. Without it: to be shown. */
  readonly saveAs?: string;
  /** The file is sent for as long as this holds: told of the end of the stream, and how to end it. */
  readonly whileHolds: (end: () => void) => Disposable;
}

/**
 * Sends a file, or the one range of it that is asked for (RFC 9110 14): a player jumps about in a film. Several ranges
 * at once are answered with the whole, as they may be.
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { path, type, saveAs: name, whileHolds }: SentFile,
): Promise<FastifyReply> {
  const { size, mtimeMs } = await stat(path);
  const etag = `"${basename(path)}-${size}-${Math.floor(mtimeMs)}"`;
  reply.headers({
    'Content-Type': type,
    'Accept-Ranges': 'bytes',
    ETag: etag,
    // Kept by the browser, asked about each time: a right may have ended.
    'Cache-Control': 'private, no-cache',
    ...(name !== undefined && { 'Content-Disposition': saveAs(name) }),
  });
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  const range = rangeOf(request, etag, size);
  if (range === 'beyond') {
    const message = `the file has ${size} bytes`;
    return reply
      .code(416)
      .header('Content-Range', `bytes */${size}`)
      .type('application/json')
      .send({ code: 416, message });
  }
  const { first, last } = range ?? { first: 0, last: size - 1 };
  if (range) reply.code(206).header('Content-Range', `bytes ${first}-${last}/${size}`);
  reply.header('Content-Length', String(last - first + 1));
  if (request.method === 'HEAD' || size === 0) return reply.send(Readable.from([]));
  const stream = createReadStream(path, { start: first, end: last });
  const right = whileHolds(() => stream.destroy());
  stream.once('close', () => right[Symbol.dispose]());
  return reply.send(stream);
}

/** `Content-Disposition` for a file that is to be saved (RFC 6266): a plain name for old browsers, and the real one. */
export function saveAs(name: string): string {
  const safe = name.replaceAll(/[/\\:*?"<>|\p{Cc}]/gu, '-');
  const plain = safe.replaceAll(/[^ -~]/g, '_');
  const real = encodeURIComponent(safe).replaceAll(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${real}`;
}

/** RFC 9110 14.1.2: `bytes=first-last`, `bytes=first-`, `bytes=-length`. Anything else is as if nothing were asked. */
function rangeOf(
  { headers }: FastifyRequest,
  etag: string,
  size: number,
): { readonly first: number; readonly last: number } | 'beyond' | undefined {
  // 13.1.5: the range is of another file than this.
  if (headers['if-range'] !== undefined && headers['if-range'] !== etag) return undefined;
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.range ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'beyond' : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return undefined;
  return first >= size ? 'beyond' : { first, last };
}
