import assert from 'node:assert/strict';
import { test } from 'node:test';
import { h264, mpeg1, picture, run, startStudio, tone } from './support/studio.ts';

const pairs = [
  { name: 'MPEG-1 and MP2', video: mpeg1, audio: ['-c:a', 'mp2'], codecs: ['mpeg1video', 'mp2'] },
  { name: 'H.264 and AAC', video: h264, audio: ['-c:a', 'aac'], codecs: ['h264', 'aac'] },
  { name: 'H.264 and MP2', video: h264, audio: ['-c:a', 'mp2'], codecs: ['h264', 'mp2'] },
  { name: 'what ffmpeg makes by default', video: [], audio: [], codecs: ['mpeg2video', 'mp2'] },
] as const;

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
    // In the times that the stream has: in whole frames two pictures may fall on one, while a busy encoder's clock is found.
    const asItIs = ['-fps_mode', 'passthrough', '-enc_time_base', '-1'];
    assert.deepEqual(await run('ffmpeg', ['-v', 'error', '-i', file, ...asItIs, '-f', 'null', '-']), {
      code: 0,
      out: '',
    });
    const played = await run('mpv', [
      ...['--no-config', '--vo=null', '--ao=null', '--untimed', '--speed=20', '--msg-level=all=v', file],
    ]);
    assert.equal(played.code, 0);
    assert.match(played.out, /VO: \[null\] 320x240/);
    assert.match(played.out, /AO: \[null\]/);
    assert.doesNotMatch(played.out, /\[(ffmpeg|lavf|demux)[^\]]*\] [^\n]*(error|corrupt|invalid)/i);
  });
}
