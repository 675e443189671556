import type { FastifyReply } from 'fastify';
import { NAME_CHARS } from '../people/names.ts';
import { permissions } from '../people/permissions.ts';
import type { Hindrance } from '../people/users.ts';

// What the routes about people have in common.

export const nameField = { type: 'string', minLength: 1, maxLength: 4 * NAME_CHARS } as const;

/** Lists of permissions by device; `*` is for every device that has none of its own. */
export const permissionLists = {
  type: 'object',
  additionalProperties: { type: 'array', items: { type: 'string', enum: [...permissions] } },
} as const;

const hindrances: Readonly<Record<Hindrance, { readonly code: 404 | 409; readonly message: string }>> = {
  absent: { code: 404, message: 'there is no such person' },
  'name-taken': { code: 409, message: 'somebody of the household has this name' },
  'last-owner': { code: 409, message: 'the last owner of a household stays its owner' },
  'too-many': { code: 409, message: 'there are as many as a household may have' },
};

/** Why it was not done. */
export const hindered = (reply: FastifyReply, hindrance: Hindrance): FastifyReply =>
  reply.code(hindrances[hindrance].code).send(hindrances[hindrance]);
