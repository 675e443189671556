import { type Millis, millis } from '@perch/runtime';

const MiB = 1024 * 1024;

/** Every number that bounds what comes from outside or waits inside. Sizes in bytes, times in milliseconds. */
export const limits = {
  /** Largest WebSocket message; a larger one closes with 1009 (COMPAT 1.4). */
  messageBytes: 10 * MiB,
  /** Largest HTTP body that is not media. */
  bodyBytes: 1 * MiB,
  /** A body that is not media must be complete in this time. */
  bodyTimeout: millis(30_000),
  /** HTTP headers must be complete in this time. */
  headersTimeout: millis(10_000),
  /** An HTTP connection on which nothing moves for this long, because nobody reads or sends, is closed. */
  httpIdle: millis(120_000),
  /** A publisher (`/ts`, `/in`) that sends no byte for this long is closed. */
  publisherIdle: millis(30_000),
  /** Server to client WebSocket ping period, when nothing else is sent (COMPAT 1.4). */
  pingPeriod: millis(54_000),
  /** A peer that is silent for this long, pongs included, is gone (COMPAT 1.4). */
  readDeadline: millis(60_000),
  /** A slow taker's backlog: sent − confirmed + queued. Over it, drop to the next random access point. */
  backlogBytes: 4 * MiB,
  /** The same in time. */
  backlogAge: millis(2_000),
  /** Beyond this backlog a taker is closed with 1013. */
  backlogHardBytes: 16 * MiB,
  /** How often a taker's reading is confirmed by ping, and how often while the pong is late. */
  confirmPeriod: millis(1_000),
  confirmPeriodLate: millis(200),
  /** Largest cached start group; with a larger one a viewer starts at the next random access point. */
  startGroupBytes: 4 * MiB,
  /** One-time codes live this long, and so many may be pending. */
  codeLife: millis(30_000),
  codesPending: 10_000,
  /** Longest topic name, in characters. */
  topicChars: 256,
  /** Most topics on one relay, most connections on one relay. */
  topics: 10_000,
  connections: 20_000,
  /** Most connections from one address (of IPv6: one /64). This machine's own, and trusted proxies' as such, do not count. */
  connectionsPerAddress: 2_000,
  /** How often one address may connect: so many at once, then one each period. This machine's own do not count. */
  connectBurst: 1_000,
  connectPeriod: millis(20),
  /**
   * The same for one-time codes: asking for one, and using one. A site's server asks for those of all its visitors; yet what
   * one address has pending stays well below `codesPending`.
   */
  codeBurst: 3_000,
  codePeriod: millis(10),
  /** For signing in, whichever way; and for passwords of one account, wherever they come from. */
  signInBurst: 20,
  signInPeriod: millis(3_000),
  accountSignInBurst: 20,
  accountSignInPeriod: millis(30_000),
  /** For opening invites. */
  inviteBurst: 20,
  invitePeriod: millis(3_000),
  /** For enrolling a device. */
  enrolmentBurst: 10,
  enrolmentPeriod: millis(10_000),
  /** For clients that come without any right, to show crossbar's token. */
  strangerBurst: 100,
  strangerPeriod: millis(200),
  /** Longest HTTP request target. */
  urlChars: 4_096,
  /** Largest HTTP head: request line and headers. */
  headerBytes: 16 * 1024,
  /** Dialling and the WebSocket handshake of an outgoing connection, and one HTTP call. */
  dialTimeout: millis(10_000),
  /** The same while another destination goes on meanwhile. */
  moveDialTimeout: millis(30_000),
  /** A connection that lived this long and ended is redialled at once (COMPAT V12). */
  steadyAfter: millis(5_000),
  /** An agent asks a quiet destination this often whether it is there, and after so long a silence dials anew. */
  uplinkPing: millis(5_000),
  uplinkDeadline: millis(30_000),
  /** How old what an agent sends may get while it waits; with what is on its way it stays below two seconds. */
  uplinkAge: millis(1_500),
  /** An agent whose place another publisher took tries again after this, and after twice as long each time it is taken. */
  replacedPause: millis(60_000),
  replacedPauseMost: millis(3_600_000),
  /** A new destination that is open waits so long for a random access point before the old one is left. */
  switchWait: millis(2_000),
  /** Connections to one agent. */
  agentConnections: 2_000,
  /** Stream rules and destination rules on one agent, each. */
  rules: 1_000,
} as const satisfies Record<string, number | Millis>;
