import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { makeJwt } from '../../packages/relay/src/legacy/testing/make-jwt.ts';
import { AwakeTime } from '../support/awake-time.ts';
import { openRelay, Peer } from '../support/relay.ts';

const secret = 'a secret of more than 32 characters';
const audience = 'https://app.example/access';
const url = 'wss://app.example/relay';
/** A revocation must have bitten after this. */
const LIMIT_MS = 1_000;

/**
 * Opens so many viewers of a live stream by one booking, one of which never reads and never says goodbye, cancels the
 * booking, and measures how long the last of them stays. Viewers by another booking must not notice.
 */
export async function cancelUnderViewers(viewers: number): Promise<{ readonly lastGoneMs: number }> {
  await using relay = await openRelay({ practable: { secret, audience, url } });
  const now = Math.floor(Date.now() / 1000);
  const token = (claims: object) =>
    makeJwt({ secret, claims: { aud: audience, iat: now - 1, nbf: now - 1, exp: now + 600, ...claims } });
  const session = { topic: 'cam', prefix: 'session' };
  const post = (path: string, authorization: string) =>
    fetch(relay.url + path, { method: 'POST', headers: { Authorization: authorization } });
  const address = async (claims: object): Promise<string> => {
    const answer = await post('/session/cam', token({ ...session, ...claims }));
    return ((await answer.json()) as { uri: string }).uri.replace(url, relay.ws);
  };

  using publisher = await Peer.open(await address({ booking_id: 'camera', scopes: ['write'] }));
  using bystander = await Peer.open(await address({ booking_id: 'other', scopes: ['read'] }));
  const peers: Peer[] = [];
  let stuck: Socket | undefined;
  try {
    for (let i = 0; i < viewers; i++) {
      peers.push(await Peer.open(await address({ booking_id: 'b1', scopes: ['read'] })));
    }
    stuck = await openStuck(await address({ booking_id: 'b1', scopes: ['read'] }), relay.port);
    publisher.send(Buffer.alloc(60_000, 1));
    await Promise.all([...peers, bystander].map((peer) => peer.hears(1)));

    const admin = token({ scopes: ['relay:admin'] });
    const gone = Promise.all(peers.map((peer) => peer.closed));
    const stuckGone = once(stuck, 'close');
    using since = new AwakeTime();
    assert.equal((await post(`/bids/deny?bid=b1&exp=${now + 600}`, admin)).status, 204);
    const codes = new Set((await gone).map(({ code }) => code));
    const lastGoneMs = since.ms;
    assert.deepEqual([...codes], [4401]);
    stuck.resume();
    await stuckGone;

    publisher.send('goes on');
    assert.equal((await bystander.hears(2)).at(-1), 'goes on');
    assert.ok(lastGoneMs <= LIMIT_MS, `the last of ${viewers} viewers was there for ${lastGoneMs} ms`);
    return { lastGoneMs };
  } finally {
    stuck?.destroy();
    for (const peer of peers) peer.webSocket.terminate();
  }
}

/** Shakes hands, and never reads again. */
async function openStuck(uri: string, port: number): Promise<Socket> {
  const { pathname, search } = new URL(uri);
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.write(
    `GET ${pathname}${search} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  await once(socket, 'data');
  socket.pause();
  return socket;
}
