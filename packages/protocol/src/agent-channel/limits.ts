import { type Millis, millis } from '@perch/runtime';

const MiB = 1024 * 1024;

/** Every number of the control connection between an agent and its relay. Sizes in bytes, times in milliseconds. */
export const channelLimits = {
  /** Largest message; a larger one closes with 1009. */
  messageBytes: 4 * MiB,
  /** So much of a device's state is shown, in characters of JSON; the rest is counted in `leftOut`. */
  stateChars: 1 * MiB,
  /** How deep JSON may be nested in what one end passes on without looking into it. */
  jsonDepth: 12,
  /** A new connection says hello, and is welcomed, in this time. */
  helloTime: millis(10_000),
  /** Each end pings when it heard nothing for so long, and takes the other for gone after the second. */
  quiet: millis(10_000),
  silence: millis(30_000),
  /** How often state goes to the relay: while somebody looks, and otherwise. */
  watchedPeriod: millis(1_000),
  unwatchedPeriod: millis(15_000),
  /** Neither end adds to a line on which so much waits to be sent. */
  bufferedBytes: 1 * MiB,
  /** Requests to one device that wait for an answer, and what they may hold together. */
  requests: 64,
  requestBytes: 3 * MiB,
  /** How long one has by default, a broken connection in between included. */
  requestTime: millis(10_000),
  /** Answered requests that an agent remembers of one relay, how much of their results, and of how many relays. */
  remembered: 256,
  rememberedBytes: 8 * MiB,
  rememberedSessions: 64,
  /** Unasked messages that a relay takes of an agent at once, and how many more each second. */
  unasked: 100,
  unaskedPerSecond: 10,
  /** Relay addresses of one agent. */
  relays: 8,
  /** How long an agent on another than its first relay waits before it looks whether the first is there again. */
  returnPeriod: millis(60_000),
  /** A connection that is left for another has so long to finish what is being answered. */
  drainTime: millis(5_000),
} as const satisfies Record<string, number | Millis>;
