import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeJwt } from '../../packages/relay/src/legacy/testing/make-jwt.ts';
import { openRelay, Peer } from '../support/relay.ts';
import { openPublisher, packet, post, startTestAgent } from './vw-harness.ts';

// The two old ways of a publisher (COMPAT 1.7), from an agent of ours, whose side V11 and V17 hold to the byte, to a
// relay of ours that takes both families' tokens.
const secret = 'a secret of more than 32 characters';
const now = Math.floor(Date.now() / 1000);
const times = { iat: now - 1, nbf: now - 1, exp: now + 600 };

test('V11, C8: an agent shows its token as first message, and its feed arrives', async (t) => {
  const audience = 'https://relay.example';
  await using relay = await openRelay({ crossbar: { secret, audience } });
  const { url } = await startTestAgent(t);
  const token = makeJwt({ secret, claims: { ...times, aud: `${audience}/in/cam` } });
  await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: `${relay.ws}/in/cam`, token });
  using viewer = await Peer.open(`${relay.ws}/out/cam`);
  viewer.send(makeJwt({ secret, claims: { ...times, aud: `${audience}/out/cam` } }));
  await viewer.hears(1);
  await arrives(t, url, viewer, 2);
});

test('V17, R1: an agent posts its token, dials the address it gets, and its feed arrives', async (t) => {
  const audience = 'https://app.example/access';
  // The relay's own address, which is known once it listens.
  const practable = { secret, audience, url: 'ws://127.0.0.1' };
  await using relay = await openRelay({ practable });
  const { url } = await startTestAgent(t);
  const tokenFor = (scopes: string[]) =>
    makeJwt({
      secret,
      claims: { ...times, aud: audience, booking_id: 'b', topic: 'cam', prefix: 'session', scopes },
    });
  practable.url = relay.ws;
  const destination = `${relay.url}/session/cam`;
  await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination, token: tokenFor(['write']) });
  const answer = await fetch(destination, { method: 'POST', headers: { Authorization: tokenFor(['read']) } });
  using viewer = await Peer.open(((await answer.json()) as { uri: string }).uri);
  await arrives(t, url, viewer, 1);
});

/** Publishes to the agent until the viewer hears of it: the uplink may still be dialling. */
async function arrives(t: Parameters<typeof openPublisher>[0], agent: string, viewer: Peer, heard: number) {
  const publisher = openPublisher(t, `${agent}/ts/v`);
  const heardIt = viewer.hears(heard);
  let arrived = false;
  void heardIt.then(() => {
    arrived = true;
  });
  while (!arrived) {
    publisher.write(packet(7));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const messages = await heardIt;
  assert.deepEqual(Buffer.from(messages[heard - 1] ?? '').subarray(0, 188), packet(7));
}
