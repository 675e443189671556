// What several rooms' descriptions of their routes have in common.

export const time = { type: 'string', format: 'date-time' } as const;
export const timeOrNull = { type: ['string', 'null'], format: 'date-time' } as const;
export const byId = { type: 'object', properties: { id: { type: 'string', maxLength: 64 } } } as const;
export const failures = { '4xx': { $ref: 'error#' } } as const;

/** A list of objects as the answer. */
export const listOf = (properties: object) => ({
  response: { 200: { type: 'array', items: { type: 'object', properties } }, ...failures },
});

/** Nothing as the answer: it is done. */
export const doneTo = { params: byId, response: { 204: { type: 'null' }, ...failures } } as const;

/** A moment as people and their programs read it. @param ms milliseconds since 1970. */
export const dateOf = (ms: number): string => new Date(ms).toISOString();

export const dateOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : dateOf(ms));

/** The times that most things have, as dates. */
export const dated = <T extends { created: number; expires: number; lastUsed: number | undefined }>(
  record: T,
) => ({
  ...record,
  created: dateOf(record.created),
  expires: dateOf(record.expires),
  lastUsed: dateOrNull(record.lastUsed),
});
