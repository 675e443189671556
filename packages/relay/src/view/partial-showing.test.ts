import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { type Batch, Hub, type TopicMessage } from '@perch/hub';
import { MessageCutter } from '@perch/mpegts';
import type { Unshown } from '@perch/protocol';
import { FakeClock, Pictures } from '@perch/testkit';
import { PartialShowing } from './partial-showing.ts';
import { Showing } from './showing.ts';

function setUp(without: Unshown) {
  const hub = new Hub({ clock: new FakeClock(), endOfTurn: () => undefined });
  const whole = new Showing({ hub, name: 'room', startGroupBytes: 1_000_000 });
  const part = () => new PartialShowing({ whole, hub, without, startGroupBytes: 1_000_000 });
  return { hub, whole, part };
}

/** Who takes a showing: first its start group, then what comes. */
function viewer({ showing }: PartialShowing) {
  const seen: TopicMessage[] = [];
  showing.take({ take: ({ messages }: Batch) => void seen.push(...messages) });
  seen.unshift(...showing.group.messages);
  return seen;
}

const bytesOf = (messages: readonly TopicMessage[]) => Buffer.concat(messages.map(({ bytes }) => bytes));

/** What ffprobe finds in a stream: each track, with so many packets. */
const tracksOf = (bytes: Buffer) =>
  execFileSync(
    'ffprobe',
    [
      ...['-v', 'error', '-f', 'mpegts', '-count_packets', '-i', 'pipe:0'],
      ...['-show_entries', 'program_stream=codec_name,nb_read_packets', '-of', 'csv=p=0'],
    ],
    { input: bytes },
  )
    .toString()
    .trim();

const complaints = (bytes: Buffer) =>
  spawnSync('ffmpeg', ['-v', 'error', '-f', 'mpegts', '-i', 'pipe:0', '-f', 'null', '-'], { input: bytes })
    .stderr.toString()
    .trim();

describe('a topic shown in part', () => {
  const film = execFileSync('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25', '-f', 'lavfi', '-i', 'sine'],
    ...['-t', '3', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-bf', '0', '-c:a', 'aac'],
    ...['-f', 'mpegts', 'pipe:1'],
  ]);

  for (const [without, left] of [
    ['audio', /^h264,(\d+)$/],
    ['video', /^aac,(\d+)$/],
  ] as const) {
    it(`without ${without} is a stream that ffmpeg plays, from a foreign publisher too`, () => {
      const { whole, part } = setUp(without);
      const seen = viewer(part());
      const cutter = new MessageCutter({
        onMessage: (bytes, mark) => whole.topic.publish({ bytes: bytes.slice(), text: false, mark }),
      });
      for (let at = 0; at < film.length; at += 4_000) {
        cutter.push(film.subarray(at, at + 4_000));
        whole.topic.flush();
      }
      const bytes = bytesOf(seen);
      const [, packets] = left.exec(tracksOf(bytes)) ?? assert.fail(tracksOf(bytes));
      assert.ok(Number(packets) > 70, `${packets} packets`);
      assert.equal(complaints(bytes), '');
    });
  }

  it('begins with the start group, as far as it may be had', () => {
    const { whole, part } = setUp('audio');
    const pictures = new Pictures();
    for (const message of [pictures.key(), pictures.sound(), pictures.next()]) whole.topic.publish(message);
    whole.topic.flush();
    const showing = part();
    const seen = viewer(showing);
    assert.deepEqual(
      seen.map(({ mark }) => [mark.class, mark.randomAccess]),
      [
        ['video', true],
        ['video', false],
      ],
    );
    whole.topic.publish(pictures.sound());
    whole.topic.publish(pictures.next());
    whole.topic.flush();
    assert.equal(seen.length, 3);
  });

  it('hands on what was captured when', () => {
    const { whole, part } = setUp('audio');
    const seen = viewer(part());
    const key = new Pictures().key();
    whole.topic.publish(key);
    whole.topic.flush();
    assert.equal(seen[0]?.mark.capturedAt, key.mark.capturedAt);
  });

  it('shows text with the pictures, and bytes of which nobody knows what they are to nobody', () => {
    for (const [without, count] of [
      ['audio', 1],
      ['video', 0],
    ] as const) {
      const { whole, part } = setUp(without);
      const seen = viewer(part());
      const mark = { randomAccess: false, class: 'data' } as const;
      whole.topic.publish({ bytes: Buffer.from('21 °C'), text: true, mark });
      whole.topic.publish({ bytes: Buffer.alloc(5_000, 7), text: false, mark });
      whole.topic.flush();
      assert.equal(seen.length, count, without);
    }
  });

  it("does not read one publisher's packets by another's tables", () => {
    const { whole, part } = setUp('audio');
    const seen = viewer(part());
    const pictures = new Pictures();
    const [one, other] = [{}, {}];
    whole.topic.publish(pictures.key(), one);
    whole.topic.publish(pictures.next(), other);
    whole.topic.flush();
    assert.equal(seen.length, 1);
  });

  it('leaves nothing behind', () => {
    const { hub, whole, part } = setUp('video');
    part()[Symbol.dispose]();
    assert.equal(hub.size, 1);
    assert.equal(whole.hasViewers, false);
  });
});
