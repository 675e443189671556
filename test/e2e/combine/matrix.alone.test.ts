import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PACKET_BYTES, pidOf } from '@perch/mpegts';
import { h264, mpeg1, picture, run, startStudio, tone } from './support/studio.ts';

const PAT_PID = 0;

const pairs = [
  { name: 'MPEG-1 and MP2', video: mpeg1, audio: ['-c:a', 'mp2'], codecs: ['mpeg1video', 'mp2'] },
  { name: 'H.264 and AAC', video: h264, audio: ['-c:a', 'aac'], codecs: ['h264', 'aac'] },
  { name: 'H.264 and MP2', video: h264, audio: ['-c:a', 'mp2'], codecs: ['h264', 'mp2'] },
  { name: 'what ffmpeg makes by default', video: [], audio: [], codecs: ['mpeg2video', 'mp2'] },
] as const;

/** A stream from a key frame in its second half on, with the tables that are repeated before it. */
function inTheMiddle(stream: Buffer): Buffer {
  let tables = 0;
  for (let at = 0; at + PACKET_BYTES <= stream.length; at += PACKET_BYTES) {
    if (pidOf(stream, at) === PAT_PID) tables = at;
    if (at > stream.length / 2 && isKeyFrame(stream.subarray(at, at + PACKET_BYTES)))
      return stream.subarray(tables);
  }
  throw new Error('there is no key frame');
}

/** ISO/IEC 13818-1 2.4.3.5, 2.4.3.7: random_access_indicator in a packet with which a PES packet of video begins. */
function isKeyFrame(packet: Buffer): boolean {
  const field = (packet.readUInt8(3) & 0x20) === 0 ? 0 : packet.readUInt8(4);
  if (field === 0 || field > 170 || (packet.readUInt8(5) & 0x40) === 0) return false;
  return packet.readUInt32BE(5 + field) >> 4 === 0x1e;
}

for (const { name, video, audio, codecs } of pairs) {
  test(`two ffmpegs with default PIDs, ${name}: others' tools find both tracks and complain of nothing`, async (t) => {
    const studio = await startStudio(t, ['v', 'a']);
    studio.encode('v', [...picture, ...video]);
    studio.encode('a', [...tone, ...audio]);
    await studio.record(5_000);
    const file = await studio.file('combined');
    const probe = await run('ffprobe', [
      ...['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', file],
    ]);
    assert.deepEqual([...new Set(probe.out.match(/\w+/g))].sort(), [...codecs].sort());
    const read = (what: string, ...how: string[]) =>
      run('ffmpeg', ['-v', 'error', '-i', what, ...how, '-f', 'null', '-']);
    // In the times that the stream has: in whole frames two pictures may fall on one, while a busy encoder's clock is found.
    assert.deepEqual(await read(file, '-fps_mode', 'passthrough', '-enc_time_base', '-1'), {
      code: 0,
      out: '',
    });
    assert.deepEqual(await read(await studio.file('later', inTheMiddle)), { code: 0, out: '' });
    const played = await run('mpv', [
      ...['--no-config', '--vo=null', '--ao=null', '--untimed', '--speed=20', '--msg-level=all=v', file],
    ]);
    assert.equal(played.code, 0);
    assert.match(played.out, /VO: \[null\] 320x240/);
    assert.match(played.out, /AO: \[null\]/);
    assert.doesNotMatch(played.out, /\[(ffmpeg|lavf|demux)[^\]]*\] [^\n]*(error|corrupt|invalid)/i);
  });
}
