const name = (of: string) => ({
  name: of,
  in: 'path',
  required: true,
  description: 'May hold slashes.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9._~\\-/]+$', maxLength: 256 },
});
const content = (type: string, schema: object) => ({ content: { [type]: { schema } } });
const json = (description: string, schema: object) => ({
  description,
  ...content('application/json', schema),
});
const words = (description: string) => ({ description, ...content('text/plain', { type: 'string' }) });
const body = (schema: object) => ({ required: true, ...content('application/json', schema) });
const ref = (schema: string) => ({ $ref: `#/components/schemas/${schema}` });
const map = (schema: object) => ({ type: 'object', additionalProperties: schema });
const nullable = (type: string) => ({ type: [type, 'null'] });
const text = { type: 'string' };
const number = { type: 'number' };
const whole = { type: 'integer' };
const list = (items: object) => ({ type: 'array', items });
const record = (properties: Record<string, object>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});

const motion = {
  ...record({
    isOn: { type: 'boolean' },
    isFilming: { type: 'boolean' },
    sensitivity: number,
    level: {
      ...number,
      description: 'How much moves now, as a share of what counts as motion: from 1 it does.',
    },
    lastMotion: { ...nullable('number'), description: 'When something moved last, in ms since 1970.' },
    trouble: { ...nullable('string'), description: 'What is in the way of seeing motion.' },
  }),
  type: ['object', 'null'],
  description: 'null where this agent takes no captures.',
};

const refusals = {
  '400': words('The rule is wrong; the text names the field.'),
  '409': words('The rule is set by the configuration.'),
  '413': words('The body is larger than 1 MiB.'),
  '507': words('Too many rules, or the disk is full. Nothing has changed.'),
};

const noCaptures = words('This agent takes no captures.');
const losses = { ...list(text), description: 'What was lost, each with its reason.' };

const deletion = (what: string) => ({
  summary: `Delete a ${what}; deleting an unknown one is a success`,
  responses: { '200': json('Its name.', text), '409': refusals['409'], '507': refusals['507'] },
});

const deleteAll = (what: string) => ({
  summary: `Delete all ${what} (\`deleteAll\` in place of \`all\` does the same)`,
  responses: { '200': json('Always `"deleteAll"`.', { const: 'deleteAll' }), '507': refusals['507'] },
});

function put(what: string, schema: string, operationId: string) {
  const operation = {
    summary: `Add or replace a ${what}. Any Content-Type; keys match whatever their case; missing fields are empty`,
    requestBody: body(ref(schema)),
    responses: { '200': json('The rule as it was stored.', ref(schema)), ...refusals },
  };
  return {
    post: { ...operation, operationId: `post${operationId}` },
    put: { ...operation, operationId: `put${operationId}` },
  };
}

const media = {
  requestBody: {
    description: 'A transport stream, or anything else, for as long as it takes. 30 s without a byte end it.',
    ...content('video/mp2t', { type: 'string', format: 'binary' }),
  },
  responses: {
    '204': { description: 'The body has ended.' },
    '403': words('`/ts/api`: the control channel takes no media.'),
    '408': words('No byte came for 30 s.'),
  },
};

const trackClass = { enum: ['video', 'audio', 'data'] };

const captures = record({
  segments: { ...whole, description: 'That wait or are on their way.' },
  bytes: whole,
  captures: { ...whole, description: 'Films of which something waits, or which are not over.' },
  events: { ...whole, description: 'Alarms, ends and losses that the relay has not noted.' },
  mostBytes: nullable('integer'),
  mostAgeMs: nullable('number'),
  taken: { ...whole, description: 'Since the start, as the next two.' },
  persisted: whole,
  lost: whole,
  losses: { ...losses, description: 'The latest that were lost, or not taken, each with its reason.' },
  upload: {
    type: ['object', 'null'],
    description: 'How the sending stands, and what is on its way. null: this device is not enrolled.',
  },
  armed: { ...nullable('boolean'), description: 'null: nobody has said.' },
});

const drops = record({
  messages: whole,
  bytes: whole,
  byClass: record({ video: whole, audio: whole, data: whole }),
});

const stats = record({
  preview: { type: 'boolean' },
  control: {
    ...record({
      state: { enum: ['idle', 'dialling', 'connected', 'waiting', 'closed'] },
      relays: list(text),
      relay: nullable('string'),
      lastError: nullable('string'),
    }),
    type: ['object', 'null'],
  },
  feeds: list(
    record({
      feed: text,
      publishers: whole,
      takers: whole,
      bitRate: number,
      messages: whole,
      bytes: whole,
      tracks: list(record({ class: trackClass, codec: text, pid: whole, streamType: whole, units: whole })),
      delayMs: number,
      offsetMs: nullable('number'),
      driftPpm: nullable('number'),
      restarts: whole,
      losses: whole,
      oddities: list(text),
      motion,
    }),
  ),
  streams: list(
    record({
      stream: text,
      feeds: list(text),
      alternatives: { type: ['array', 'null'], items: list(text) },
      alternative: nullable('integer'),
      takers: whole,
      bitRate: number,
      messages: whole,
      bytes: whole,
      tracks: list(record({ feed: text, pid: whole, class: trackClass, codec: text, units: whole })),
      pcrPid: nullable('integer'),
      pmtVersion: nullable('integer'),
      heldBytes: whole,
      oddities: list(text),
      motion,
    }),
  ),
  destinations: list(
    record({
      id: text,
      stream: text,
      destination: text,
      readOnly: { type: 'boolean' },
      state: { enum: ['idle', 'connecting', 'open', 'waiting', 'closed', 'invalid'] },
      attempt: nullable('integer'),
      openForMs: nullable('integer'),
      nextTryInMs: nullable('integer'),
      protocol: nullable('string'),
      reconnects: whole,
      lastError: nullable('string'),
      bitRate: number,
      frames: whole,
      messages: whole,
      bytes: whole,
      backlogBytes: whole,
      delayMs: whole,
      viewers: nullable('integer'),
      moving: {
        ...record({ to: text, forMs: whole, state: text, lastError: nullable('string') }),
        type: ['object', 'null'],
      },
      dropped: drops,
    }),
  ),
  members: list(record({ topic: text, bitRate: number, messages: whole, bytes: whole, dropped: drops })),
  sources: list(
    record({
      source: text,
      feed: text,
      state: { enum: ['idle', 'running', 'waiting', 'closed'] },
      restarts: whole,
      lastError: nullable('string'),
      lastLines: list(text),
    }),
  ),
  cameras: list(
    record({
      camera: text,
      armed: nullable('boolean'),
      told: nullable('boolean'),
      problem: nullable('string'),
      zone: text,
    }),
  ),
});

/** What `/api/openapi.json` says. A test holds it to the routes and to real answers. */
export const openapi = {
  openapi: '3.1.0',
  info: {
    title: 'Perch agent',
    version: '0.1.0',
    description:
      'Feeds in, rules, figures. Compatible with `vw stream` and `relay host`. Beyond loopback every call needs the agent token, as `Authorization: Bearer …`.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  components: {
    schemas: {
      StreamRule: {
        type: 'object',
        properties: {
          stream: text,
          feeds: { type: ['array', 'null'], items: text },
          alternatives: {
            type: 'array',
            description:
              'In place of `feeds`: sets of feeds, the best first; the uplink decides which is on.',
            minItems: 1,
            maxItems: 8,
            items: list(text),
          },
        },
      },
      FeedRule: {
        type: 'object',
        properties: {
          feed: text,
          delayMs: {
            type: 'number',
            minimum: 0,
            maximum: 10_000,
            description:
              'What its encoder needs from seeing to sending: in streams it is shown so much earlier.',
          },
        },
      },
      MotionRule: {
        type: 'object',
        description: 'What is left out stays as it is.',
        properties: {
          feed: { ...text, description: 'A feed, or a stream: the film then holds what that holds.' },
          isOn: { type: 'boolean' },
          sensitivity: {
            type: 'number',
            minimum: 1,
            maximum: 10,
            description: 'From 1, only what is large and clear, to 10, also what is small and faint.',
          },
          zones: {
            ...list(record({ x: number, y: number, width: number, height: number })),
            description: 'Where motion does not count, in parts of the picture from its upper left, 0 to 1.',
          },
          beforeMs: { type: 'number', minimum: 0, maximum: 60_000 },
          afterMs: { type: 'number', minimum: 1_000, maximum: 300_000 },
          mostMs: { type: 'number', minimum: 10_000, maximum: 3_600_000 },
        },
      },
      DestinationRule: {
        type: 'object',
        properties: {
          id: text,
          stream: text,
          destination: text,
          token: text,
          protocol: { const: 'perch.1', description: 'The far end is a Perch relay.' },
        },
      },
      Stats: stats,
      Captures: captures,
    },
  },
  paths: {
    '/healthcheck': { get: { summary: 'Is it there', responses: { '200': words('`"ok"` and a newline.') } } },
    '/api': { get: { summary: 'Nothing, successfully', responses: { '200': { description: 'Empty.' } } } },
    '/api/streams': put('stream rule', 'StreamRule', 'StreamRule'),
    '/api/streams/all': {
      get: {
        summary: 'All stream rules',
        responses: { '200': json('Feeds by stream.', map({ type: ['array', 'null'], items: text })) },
      },
      delete: deleteAll('stream rules'),
    },
    '/api/streams/{stream}': {
      parameters: [name('stream')],
      get: {
        summary: 'The feeds of a stream; of alternatives those that are on',
        responses: { '200': json('Feeds.', list(text)), '404': words('`Stream not found`') },
      },
      delete: deletion('stream rule'),
    },
    '/api/feeds': put('feed rule', 'FeedRule', 'FeedRule'),
    '/api/feeds/all': {
      get: { summary: 'All feed rules', responses: { '200': json('Rules by feed.', map(ref('FeedRule'))) } },
      delete: deleteAll('feed rules'),
    },
    '/api/feeds/{feed}': {
      parameters: [name('feed')],
      get: {
        summary: 'The rule of a feed; of an unknown one that without a delay',
        responses: { '200': json('The rule.', ref('FeedRule')) },
      },
      delete: deletion('feed rule'),
    },
    '/api/motion': put('motion rule', 'MotionRule', 'MotionRule'),
    '/api/motion/all': {
      get: {
        summary: 'All motion rules',
        responses: { '200': json('Rules by feed.', map(ref('MotionRule'))) },
      },
      delete: deleteAll('motion rules'),
    },
    '/api/motion/{feed}': {
      parameters: [name('feed')],
      get: {
        summary: 'The motion rule of a feed; of an unknown one that which is off',
        responses: { '200': json('The rule.', ref('MotionRule')) },
      },
      delete: deletion('motion rule'),
    },
    '/api/destinations': put('destination rule', 'DestinationRule', 'DestinationRule'),
    '/api/destinations/all': {
      get: {
        summary: 'All destination rules',
        responses: { '200': json('Rules by id.', map(ref('DestinationRule'))) },
      },
      delete: deleteAll('destination rules'),
    },
    '/api/destinations/{id}': {
      parameters: [name('id')],
      get: {
        summary: 'A destination rule; for an unknown id one whose fields are all empty',
        responses: { '200': json('The rule.', ref('DestinationRule')) },
      },
      delete: deletion('destination rule'),
    },
    '/ts/{feed}': {
      parameters: [name('feed')],
      post: { summary: 'Publish on a feed (any verb does)', operationId: 'publish', ...media },
    },
    '/ws/{topic}': {
      parameters: [name('topic')],
      get: {
        summary: 'WebSocket: hear a feed, stream or `api`, and be heard by its other members',
        responses: {
          '101': { description: 'A WebSocket. Subprotocols: `perch.1`, `null`.' },
          '400': words('No WebSocket.'),
        },
      },
    },
    '/api/captures': {
      get: {
        summary: 'What of films waits, what is on its way, what was lost',
        responses: { '200': json('How it stands.', ref('Captures')), '404': noCaptures },
      },
      post: {
        summary: 'Take files of this machine, in this order, as one film',
        description: 'Answers when they are safe in the spool.',
        requestBody: body(
          record({ files: { ...list(text), minItems: 1, maxItems: 10_000, description: 'Absolute paths.' } }),
        ),
        responses: {
          '200': json(
            'The film, and what could not be taken of it.',
            record({ capture: text, lost: losses }),
          ),
          '400': words('The body is wrong; the text says how.'),
          '404': noCaptures,
          '413': refusals['413'],
        },
      },
    },
    '/api/captures/{id}': {
      parameters: [name('id')],
      get: {
        summary: 'How it stands with one film',
        responses: {
          '200': json(
            'Segments that are not at home yet, and what was lost of it.',
            record({ capture: text, pending: whole, lost: losses }),
          ),
          '404': noCaptures,
        },
      },
    },
    '/api/stats': {
      get: { summary: 'Figures of this moment', responses: { '200': json('Figures.', ref('Stats')) } },
    },
    '/api/openapi.json': {
      get: { summary: 'This', responses: { '200': json('OpenAPI 3.1.', { type: 'object' }) } },
    },
    '/metrics': {
      get: { summary: 'The same figures for Prometheus', responses: { '200': words('Text format 0.0.4.') } },
    },
  },
} as const;
