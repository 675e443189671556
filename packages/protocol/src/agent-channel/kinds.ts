/**
 * What becomes of a request whose connection broke before it was answered. `idempotent`: it is sent again, for to do it
 * twice is to do it once. `at-most-once`: the agent is asked what became of it, and it is sent again only if that never
 * began.
 */
export type Repeat = 'idempotent' | 'at-most-once';

/** Everything that a relay may ask of an agent. */
export const requestKinds = {
  'streams.list': 'idempotent',
  'streams.show': 'idempotent',
  'streams.put': 'idempotent',
  'streams.delete': 'idempotent',
  'destinations.list': 'idempotent',
  'destinations.show': 'idempotent',
  'destinations.put': 'idempotent',
  'destinations.delete': 'idempotent',
  'feeds.list': 'idempotent',
  'feeds.show': 'idempotent',
  'feeds.put': 'idempotent',
  'feeds.delete': 'idempotent',
  'motion.list': 'idempotent',
  'motion.show': 'idempotent',
  'motion.put': 'idempotent',
  'motion.delete': 'idempotent',
  /** The ordered list of relays that the agent is to connect to from now on. */
  'relays.move': 'idempotent',
  /** To the camera program. It films twice if it is told twice. */
  command: 'at-most-once',
} as const satisfies Record<string, Repeat>;

/** What is asked, in a word. */
export type RequestKind = keyof typeof requestKinds;

/** The lists of rules that an agent has. */
export const ruleLists = ['streams', 'destinations', 'feeds', 'motion'] as const;
/** One of them. */
export type RuleList = (typeof ruleLists)[number];

/** What a camera program can be told. */
export const cameraCommands = ['arm', 'disarm', 'capture'] as const;
/** One of these. */
export type CameraCommand = (typeof cameraCommands)[number];

/** A request without its envelope: what is asked, and with what. */
export type RequestBody =
  | { readonly kind: `${RuleList}.list` }
  | { readonly kind: `${RuleList}.show` | `${RuleList}.delete`; readonly name: string }
  /** The agent looks into the rule, as it does when its own API gets it. */
  | { readonly kind: `${RuleList}.put`; readonly rule: unknown }
  | { readonly kind: 'relays.move'; readonly relays: readonly string[] }
  | { readonly kind: 'command'; readonly command: CameraCommand };

/** Whether this version knows the kind. */
export const isRequestKind = (kind: string): kind is RequestKind => Object.hasOwn(requestKinds, kind);
