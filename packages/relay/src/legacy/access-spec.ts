/** `GET /swagger.json`: what of the access API there is (Swagger 2.0, as the older relay's). */
const answer = (description: string) => ({ description });
const bookingCall = (summary: string) => ({
  summary,
  parameters: [
    { name: 'bid', in: 'query', required: true, type: 'string', description: 'The booking' },
    {
      name: 'exp',
      in: 'query',
      required: true,
      type: 'integer',
      format: 'int64',
      description: 'Its end, seconds since 1970',
    },
  ],
  responses: {
    204: answer('Done'),
    400: answer('`exp` is in the past'),
    401: answer('The token is not good, or has no scope relay:admin'),
    422: answer('A parameter is missing or wrong'),
  },
});
const listCall = (summary: string) => ({
  summary,
  responses: { 200: answer('`{"booking_ids":["b1"]}`'), 401: answer('The token has no scope relay:admin') },
});

export const accessSpec = {
  swagger: '2.0',
  info: {
    title: 'Access API of practable relay, as Perch serves it',
    version: '1',
    description: 'The token, a JWT, is in `Authorization`, raw or after `Bearer`.',
  },
  consumes: ['application/json'],
  produces: ['application/json'],
  securityDefinitions: { Bearer: { type: 'apiKey', name: 'Authorization', in: 'header' } },
  security: [{ Bearer: [] }],
  paths: {
    '/session/{session_id}': {
      post: {
        summary: 'Exchanges a token for a WebSocket address that works once, for 30 s',
        parameters: [
          { name: 'session_id', in: 'path', required: true, type: 'string', description: 'The topic' },
        ],
        responses: {
          200: answer('`{"uri":"wss://…/session/<topic>?code=…"}`'),
          400: answer('The booking is missing or was cancelled'),
          401: answer('The token is not good, for another topic, or lacks claims'),
          415: answer('There is a body that is not JSON'),
        },
      },
    },
    '/bids/deny': {
      get: listCall('The cancelled bookings'),
      post: bookingCall('Cancels a booking, also where it is in use'),
    },
    '/bids/allow': { get: listCall('The bookings in use'), post: bookingCall('Takes a cancellation back') },
    '/status': {
      get: {
        summary: 'Who is connected',
        responses: { 200: answer('A list'), 401: answer('The token has no scope relay:stats') },
      },
    },
  },
} as const;

const rows = Object.entries(accessSpec.paths).flatMap(([path, calls]) =>
  Object.entries(calls).map(([verb, { summary }]) => `<tr><td>${verb.toUpperCase()} ${path}<td>${summary}`),
);

/** `GET /docs`: the same for people. */
export const accessPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Access API</title>
<style>
  body { font: 15px system-ui; margin: 2em auto; max-width: 50em; padding: 0 1em; }
  td { padding: .3em 1em .3em 0; vertical-align: top; }
  td:first-child { font-family: ui-monospace, monospace; white-space: nowrap; }
</style>
<h1>${accessSpec.info.title}</h1>
<table>
${rows.join('\n')}
</table>
<p>For programs: <a href="swagger.json">swagger.json</a>
</html>
`;
