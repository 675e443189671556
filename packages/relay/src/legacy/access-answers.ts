import type { FastifyReply } from 'fastify';
import { CORS } from '../api/session.ts';

/*
 * Answers as the older API gave them, to the byte (COMPAT 3.3). What its own code says ends with a line feed and has
 * its code as text; what the frame around it says has neither.
 */

/** Said by the API's own code. */
export const says = (reply: FastifyReply, status: number, body: unknown): FastifyReply =>
  send(reply, status, `${JSON.stringify(body)}\n`);

/** An error of the API's own code. */
export const complains = (reply: FastifyReply, status: number, message: string): FastifyReply =>
  says(reply, status, { code: String(status), message });

/** An error of the frame, with a `code` of its own where it is another than the status. */
export const frameError = (
  reply: FastifyReply,
  status: number,
  message: string,
  code = status,
): FastifyReply => send(reply, status, JSON.stringify({ code, message }));

/** As bytes: to a text's type the web framework would add a `charset`. */
const send = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply
    .headers({ ...CORS, 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    .code(status)
    .send(Buffer.from(text));
