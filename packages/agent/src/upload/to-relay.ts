import { PERCH_CAPTURES_1 } from '@perch/protocol';
import type { WebSocket } from 'ws';
import type { Identity } from '../identity/identity.ts';
import type { Dialer } from '../uplink/dial.ts';
import type { Uplinks } from '../uplink/uplinks.ts';

/** Begins a connection for captures to the relay that holds now, showing who we are. */
export function dialForCaptures(
  identity: Identity,
  dialer: Dialer,
  relay: () => string | null | undefined,
): () => Promise<WebSocket> {
  return async () => {
    const base = relay() ?? identity.relays[0];
    if (base === undefined) throw new Error('the identity of this device names no relay');
    const url = `${base.replace(/^http/, 'ws')}/agent/captures`;
    const headers = await identity.headers(url);
    return dialer.dial(url, [PERCH_CAPTURES_1], { headers, tls: identity.tls }, { zeroMask: true }).socket;
  };
}

/** How long live video waits, in ms: the worst of all that is sent somewhere. */
export function liveDelayOf(uplinks: Uplinks): () => number {
  return () => Math.max(0, ...[...uplinks].map(({ pressure }) => pressure?.delayMs ?? 0));
}
