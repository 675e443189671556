import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { Demuxer, MessageCutter } from '@perch/mpegts';
import { WIRE_HEADER_BYTES, writeWireHeader } from '@perch/protocol';
import { openRelay, Peer, read } from '../../../test/support/relay.ts';

const protocols = ['perch.1'];

/** Two seconds of picture and sound, a key frame each second, with ffmpeg's own PIDs. */
const film = (size: string, offset: string) =>
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25`, '-f', 'lavfi', '-i', 'sine'],
    ...['-t', '2', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '25'],
    ...['-c:a', 'aac', '-output_ts_offset', offset, '-f', 'mpegts', '-pes_payload_size', '0', 'pipe:1'],
  ]);

interface Cut {
  readonly bytes: Buffer;
  readonly isKey: boolean;
}

/** As an agent sends it: cut from reads of this size, with marks. */
function cut(bytes: Buffer, readBytes: number): Cut[] {
  const cuts: Cut[] = [];
  const cutter = new MessageCutter({
    onMessage(part, mark) {
      const message = Buffer.alloc(WIRE_HEADER_BYTES + part.length);
      writeWireHeader(message, 0, { ...mark, sequence: 0, text: false, replay: false });
      message.set(part, WIRE_HEADER_BYTES);
      cuts.push({ bytes: message, isKey: mark.randomAccess && mark.class === 'video' });
    },
  });
  for (let at = 0; at < bytes.length; at += readBytes) cutter.push(bytes.subarray(at, at + readBytes));
  cutter.end();
  return cuts;
}

/** What a stream is made of, and what is wrong with it. */
function take(bytes: Uint8Array) {
  const pictures: string[] = [];
  const damage: string[] = [];
  const demuxer = new Demuxer({
    onAccessUnit({ class: kind, data, pts, damaged }) {
      if (kind !== 'video') return;
      pictures.push(`${pts} ${createHash('sha1').update(data).digest('hex')}${damaged ? ' damaged' : ''}`);
    },
    onDamage: (d) => damage.push(d.kind),
  });
  demuxer.push(bytes);
  demuxer.flush();
  return { pictures, damage };
}

const payload = (messages: readonly (string | Buffer)[]) =>
  Buffer.concat(
    messages.filter((m): m is Buffer => typeof m !== 'string').map((m) => m.subarray(WIRE_HEADER_BYTES)),
  );
const said = (peer: Peer) =>
  peer.heard.filter((m) => typeof m === 'string').map((m) => (read(m) as { type: string }).type);

describe('a viewer, while another encoder takes over with the same PIDs and time stamps of its own', () => {
  const first = film('320x240', '1000');
  const second = film('192x144', '0');

  // Whole access units, and ends of packets that come with the next read.
  for (const readBytes of [188 * 7, 100_000, 999]) {
    it(`gets each picture of the old and then each of the new once, in reads of ${readBytes} bytes`, async () => {
      await using relay = await openRelay({ open: ['**'] });
      using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
      using old = await Peer.open(`${relay.ws}/in/x`, { protocols });
      using young = await Peer.open(`${relay.ws}/in/x`, { protocols });
      const from = cut(first, readBytes);
      const to = cut(second, readBytes);
      const keys = to.flatMap(({ isKey }, at) => (isKey ? [at] : []));
      // It comes in the middle of a group: without the tables and the key frame that it began with.
      const join = (keys[0] as number) + 1;
      const begin = keys[1] as number;

      for (const { bytes } of from) old.send(bytes);
      for (const { bytes } of to.slice(join, begin)) young.send(bytes);
      await old.settled();
      await young.settled();
      for (const { bytes } of to.slice(begin)) young.send(bytes);
      const last = payload([(to.at(-1) as Cut).bytes]);
      await viewer.until(() => payload(viewer.heard.slice(-1)).equals(last));

      const got = payload(viewer.heard);
      const { pictures, damage } = take(got);
      const wanted = [...take(first).pictures, ...take(second).pictures.slice(25)];
      assert.equal(wanted.length, 75);
      assert.deepEqual(pictures, wanted);
      assert.deepEqual(damage, []);
      assert.equal((await old.closed).code, 4409);
      assert.deepEqual(said(viewer), ['hello', 'waiting', 'live']);
      const { stderr } = spawnSync(
        'ffprobe',
        ['-v', 'error', '-f', 'mpegts', '-show_packets', '-of', 'compact', 'pipe:0'],
        { input: got },
      );
      assert.equal(String(stderr), '', 'ffprobe sees no packet that is corrupt');
    });
  }

  it('misses nothing where the new one begins with a key frame, and its sound comes after', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using viewer = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using old = await Peer.open(`${relay.ws}/in/x`, { protocols });
    using young = await Peer.open(`${relay.ws}/in/x`, { protocols });
    const to = cut(second, 1316);
    const begin = to.flatMap(({ isKey }, at) => (isKey ? [at] : []))[1] as number;
    for (const { bytes } of cut(first, 1316)) old.send(bytes);
    await old.settled();
    for (const { bytes } of to.slice(begin)) young.send(bytes);
    const last = payload([(to.at(-1) as Cut).bytes]);
    await viewer.until(() => payload(viewer.heard.slice(-1)).equals(last));
    const { pictures, damage } = take(payload(viewer.heard));
    assert.deepEqual(pictures, [...take(first).pictures, ...take(second).pictures.slice(25)]);
    assert.deepEqual(damage, []);
  });

  it('is given the new one’s tables and group when it comes after that', async () => {
    await using relay = await openRelay({ open: ['**'] });
    using early = await Peer.open(`${relay.ws}/out/x`, { protocols });
    using old = await Peer.open(`${relay.ws}/in/x`, { protocols });
    for (const { bytes } of cut(first, 1316)) old.send(bytes);
    await old.settled();
    using young = await Peer.open(`${relay.ws}/in/x`, { protocols });
    const to = cut(second, 1316);
    for (const { bytes } of to) young.send(bytes);
    await young.settled();
    await early.settled();
    using late = await Peer.open(`${relay.ws}/out/x`, { protocols });
    await late.settled();
    const { pictures, damage } = take(payload(late.heard));
    assert.deepEqual(pictures, take(second).pictures.slice(25));
    assert.deepEqual(damage, []);
  });
});
