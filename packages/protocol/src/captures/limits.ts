import { millis } from '@perch/runtime';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** What bounds the upload of captures. Sizes in bytes, times in milliseconds. */
export const captureLimits = {
  /** Largest segment. */
  segmentBytes: 64 * GiB,
  /** Highest number of a segment; they count from 0. */
  segmentNumber: 1_000_000,
  /** Longest id of a capture or an event. */
  idChars: 64,
  /** Longest file name extension, without the dot. */
  extensionChars: 8,
  /** Longest text message. */
  textBytes: 4 * KiB,
  /** Longest reason, in words. */
  reasonChars: 500,
  /** Most payload of one binary message. */
  frameBytes: 1 * MiB,
  /** Bytes sent and not yet `received`, on one connection: the most that a relay may allow, and what it should. */
  windowBytesMost: 64 * MiB,
  windowBytes: 8 * MiB,
  /** Segments offered and not yet ended, on one connection: the most that a relay may allow, and what it should. */
  streamsMost: 64,
  streams: 16,
  /** Events sent and not yet noted. */
  eventsInFlight: 64,
  /** A relay says `received` after so many bytes of a stream, or so long after bytes of which it has not said so yet. */
  receivedEveryBytes: 256 * KiB,
  receivedEvery: millis(200),
  /** After `refused` an offer is made again no sooner than after this, unless the relay says later. */
  refusedPause: millis(30_000),
} as const;
