import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Demuxer, hasPayload, PACKET_BYTES, pidOf, type StreamClass } from '@perch/mpegts';
import { Pictures } from '@perch/testkit';
import { Browser } from '../../../../test/support/browser.ts';
import { openRelay, Peer } from '../../../../test/support/relay.ts';

interface Line {
  readonly who: { readonly name?: string };
  readonly what: string;
  readonly topic?: string;
}

/** Which tracks a viewer's messages announce, and how many packets of each they carry. */
function tracksOf(messages: readonly (string | Buffer)[]) {
  const tracks = new Map<number, StreamClass>();
  const packets = { video: 0, audio: 0, data: 0 };
  const demuxer = new Demuxer({
    onProgram: ({ streams }) => {
      for (const stream of streams) tracks.set(stream.pid, stream.class);
    },
  });
  for (const message of messages) {
    if (typeof message === 'string') continue;
    demuxer.push(message);
    for (let at = 0; at < message.length; at += PACKET_BYTES) {
      const kind = pidClass[pidOf(message, at)];
      if (kind && hasPayload(message, at)) packets[kind]++;
    }
  }
  return { announced: [...tracks.values()].sort(), packets };
}

/** Of {@link Pictures}. */
const pidClass: Readonly<Record<number, StreamClass>> = { 256: 'video', 257: 'audio' };

it('somebody who may see and not hear gets no sound, not even from before he came; and the other way round', async () => {
  await using relay = await openRelay();
  const owner = await Browser.signedIn(relay, await relay.signInLink());
  const join = async (name: string, permissions: readonly string[]) => {
    const { body } = await owner.post('/api/v1/users', { name, role: 'guest' });
    const { id, link } = body as { id: string; link: string };
    await owner.patch(`/api/v1/users/${id}`, { permissions: { '*': permissions } });
    return await Browser.signedIn(relay, link);
  };
  const secret = await relay.createToken({ topic: '**', scope: ['write'], ttlMs: 60_000 });
  using publisher = await Peer.open(`${relay.ws}/in/room`, {
    headers: { Authorization: `Bearer ${secret}` },
  });
  const pictures = new Pictures();
  const send = (...messages: ReturnType<Pictures['key']>[]) => {
    for (const { bytes } of messages) publisher.webSocket.send(bytes);
  };
  using early = await owner.open('/out/room');
  send(pictures.key(), pictures.sound(), pictures.next());
  await early.hears(3);

  for (const [permissions, has] of [
    [['view'], ['video']],
    [['listen'], ['audio']],
    [
      ['view', 'listen'],
      ['audio', 'video'],
    ],
  ] as const) {
    const name = permissions.join(' and ');
    const browser = await join(name, permissions);
    using viewer = await browser.open('/out/room');
    const before = early.heard.length;
    send(pictures.key(), pictures.sound(), pictures.next(), pictures.sound());
    await early.hears(before + 4);
    await viewer.settled();
    const { announced, packets } = tracksOf(viewer.heard);
    assert.deepEqual(announced, [...has]);
    for (const kind of ['video', 'audio'] as const) {
      assert.equal(
        packets[kind] > 0,
        announced.includes(kind),
        `${permissions}: ${packets[kind]} of ${kind}`,
      );
    }
    const { entries } = (await owner.get('/api/v1/audit')).body as { entries: Line[] };
    const told = entries.filter(({ who, topic }) => who.name === name && topic === 'room');
    assert.deepEqual(
      told.map(({ what }) => what),
      [permissions[0]],
      'the history says what',
    );
  }
});
