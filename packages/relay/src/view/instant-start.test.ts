import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { Demuxer } from '@perch/mpegts';
import { readWireHeader, WIRE_HEADER_BYTES } from '@perch/protocol';
import { openRelay, Peer } from '../../../../test/support/relay.ts';

/** Six seconds of picture and sound, a key frame every two. */
const film = execFileSync('ffmpeg', [
  ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25', '-f', 'lavfi', '-i', 'sine'],
  ...['-t', '6', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '50', '-bf', '0'],
  ...['-c:a', 'aac', '-f', 'mpegts', '-pes_payload_size', '0', 'pipe:1'],
]);

/** Packets of one elementary stream that are missing or come twice make a jump in its counter. */
function damage(bytes: Buffer): string[] {
  const damaged: string[] = [];
  const demuxer = new Demuxer({ onDamage: (d) => damaged.push(d.kind) });
  demuxer.push(bytes);
  demuxer.flush();
  return damaged;
}

/** What ffmpeg, which is nobody of ours, has to complain about. */
const complaints = (bytes: Buffer) =>
  spawnSync('ffmpeg', ['-v', 'error', '-f', 'mpegts', '-i', 'pipe:0', '-f', 'null', '-'], { input: bytes })
    .stderr.toString()
    .trim();

const frames = (bytes: Buffer) =>
  Number(
    execFileSync(
      'ffprobe',
      [
        ...['-v', 'error', '-f', 'mpegts', '-count_frames', '-select_streams', 'v:0'],
        ...['-show_entries', 'stream=nb_read_frames', '-of', 'default=nw=1:nk=1', 'pipe:0'],
      ],
      { input: bytes },
    )
      .toString()
      .split('\n')[0],
  );

/** Cuts a film into messages: as reads of a socket happen to fall, without regard for packets. */
function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const payloadOf = (heard: (string | Buffer)[]) => Buffer.concat(heard.filter((m) => typeof m !== 'string'));

describe('a viewer who comes in the middle of a real stream', () => {
  for (const [name, size] of [
    ['whole packets', 188 * 7],
    ['pieces of any size', 1000],
    ['large pieces', 40_000],
  ] as const) {
    it(`gets a stream that ffmpeg decodes without complaint, from a publisher of ${name}`, async () => {
      await using relay = await openRelay({ open: ['**'] });
      using publisher = await Peer.open(`${relay.ws}/in/film`);
      using early = await Peer.open(`${relay.ws}/out/film`);
      const messages = [...cut(film, size)];
      // Not at a key frame: in the middle of the second group.
      const half = Math.floor(messages.length * 0.55);
      for (const message of messages.slice(0, half)) publisher.send(message);
      await early.hears(half);
      using late = await Peer.open(`${relay.ws}/out/film`);
      await late.hears(1);
      const first = payloadOf(late.heard);
      assert.equal(first[0], 0x47, 'it begins with a packet');
      for (const message of messages.slice(half)) publisher.send(message);
      await early.hears(messages.length);
      await late.until(() => payloadOf(late.heard).subarray(-1000).equals(film.subarray(-1000)));

      assert.ok(payloadOf(early.heard).equals(film), 'who was there from the beginning got every byte');
      const got = payloadOf(late.heard);
      // Two tables, then exactly the tail of the film: no gap, nothing twice.
      const tables = got.length - film.length + film.indexOf(got.subarray(2 * 188, 20 * 188));
      assert.equal(tables, 2 * 188);
      assert.equal(complaints(got), '');
      assert.deepEqual(damage(got), []);
      assert.equal(frames(got), 100, 'four of six seconds: from the key frame at 2 s on');
    });
  }

  it('is told over perch.1 which part is a replay, and the next message follows without a gap', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using publisher = await Peer.open(`${relay.ws}/in/film`);
    using early = await Peer.open(`${relay.ws}/out/film`);
    const messages = [...cut(film, 188 * 20)];
    const half = Math.floor(messages.length / 2);
    for (const message of messages.slice(0, half)) publisher.send(message);
    await early.hears(half);
    using late = await Peer.open(`${relay.ws}/out/film`, { protocols: ['perch.1'] });
    for (const message of messages.slice(half)) publisher.send(message);
    const media = () => late.heard.filter((m) => typeof m !== 'string') as Buffer[];
    await late.until(
      () => media().length > 0 && readWireHeader(media().at(-1) as Buffer).sequence === messages.length - 1,
    );
    const headers = media().map(readWireHeader);
    const firstLive = headers.findIndex((header) => !header.replay);
    assert.ok(firstLive > 0);
    assert.ok(headers.slice(firstLive).every((header) => !header.replay));
    assert.deepEqual(headers[0]?.randomAccess, true);
    for (const [i, { sequence }] of headers.entries())
      assert.equal(sequence, (headers[0]?.sequence ?? 0) + i);
    const got = Buffer.concat(media().map((message) => message.subarray(WIRE_HEADER_BYTES)));
    assert.equal(complaints(got), '');
    assert.equal(frames(got), 100);
  });

  it('gets nothing old of a publisher that has left', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using publisher = await Peer.open(`${relay.ws}/in/film`);
    using early = await Peer.open(`${relay.ws}/out/film`);
    publisher.send(film.subarray(0, 100_000));
    await early.hears(1);
    publisher.webSocket.close();
    await publisher.closed;
    using late = await Peer.open(`${relay.ws}/out/film`);
    await late.settled();
    assert.deepEqual(late.heard, []);
  });

  it('begins with the next key frame where the group is larger than may be kept', async () => {
    await using relay = await openRelay({ open: ['**'], limits: { startGroupBytes: 20_000 } });
    using publisher = await Peer.open(`${relay.ws}/in/film`);
    using early = await Peer.open(`${relay.ws}/out/film`);
    const messages = [...cut(film, 188 * 7)];
    const half = Math.floor(messages.length * 0.55);
    for (const message of messages.slice(0, half)) publisher.send(message);
    await early.hears(half);
    using late = await Peer.open(`${relay.ws}/out/film`);
    await late.settled();
    assert.deepEqual(late.heard, []);
    for (const message of messages.slice(half)) publisher.send(message);
    await early.hears(messages.length);
    await late.until(() => payloadOf(late.heard).subarray(-188).equals(film.subarray(-188)));
    assert.equal(frames(payloadOf(late.heard)), 50, 'the last two seconds');
  });
});
