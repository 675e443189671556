import type { Clock } from '@perch/runtime';
import type { Connection } from '../connection.ts';
import type { FlowMeter } from '../view/outlet.ts';
import { goDuration, goTime } from './go-time.ts';

/** One connected client as crossbar's statistics say it (COMPAT 2.4). */
export interface ClientStats {
  /** A client of `/in/x` is reported on `/out/x`. */
  readonly topic: string;
  readonly broadcaster: boolean;
  readonly connected: string;
  readonly remoteAddr: string;
  readonly userAgent: string;
  /** `tx` came from the client, `rx` went to it. */
  readonly stats: { readonly tx: FlowStats; readonly rx: FlowStats };
}

/** Messages of one connection in one direction, as the older relays tell it. */
export interface FlowStats {
  /** Since the last message, or `Never`. */
  readonly last: string;
  /** Mean bytes of a message. */
  readonly size: number;
  /** Messages per second, by the mean interval. */
  readonly fps: number;
}

export function clientStats(connection: Connection, clock: Clock): ClientStats {
  const prefix = connection.path === 'in' ? 'out' : connection.path;
  const now = clock.now();
  return {
    // Topic `bi/x` is the path `/bi/x` already.
    topic: connection.path === 'bi' ? `/${connection.topic}` : `/${prefix}/${connection.topic}`,
    broadcaster: connection.path === 'in',
    connected: goTime(connection.openedAtWall, connection.openedAt),
    remoteAddr: connection.remoteAddress,
    userAgent: connection.userAgent,
    stats: { tx: flow(connection.received, now), rx: flow(connection.outlet.meter, now) },
  };
}

function flow(meter: FlowMeter, now: number): FlowStats {
  if (meter.messages === 0) return { last: 'Never', size: 0, fps: 0 };
  const interval = (meter.lastAt - meter.firstAt) / (meter.messages - 1) / 1000;
  return {
    last: goDuration(now - meter.lastAt),
    size: Math.round(meter.bytes / meter.messages),
    fps: meter.messages > 1 && interval > 0 ? Number((1 / interval).toFixed(2)) : 0,
  };
}
