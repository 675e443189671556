import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { MessageCutter, type MessageMark } from '@perch/mpegts';
import { silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { Camera } from '../../captures/camera.ts';
import { type FeedInput, Switchboard } from '../../ingest/switchboard.ts';
import { type MotionRule, noMotion } from '../../rules/motion-rule.ts';
import type { StreamRule } from '../../rules/rule.ts';
import { Spool } from '../../spool/index.ts';
import { fromStoredName } from '../../spool/stored-name.ts';
import { combining } from '../../streams/combining.ts';
import { Streams } from '../../streams/streams.ts';
import { Motion, withWatched } from '../index.ts';

/** A camera's stream as a feed carries it: each message with the time at which it comes, in ms. */
export type Recording = readonly {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly mark: MessageMark;
}[];

/** Ten pictures a second are enough here. */
const PICTURE_MS = 100;

/**
 * A noisy gray picture with a white box that passes through it from time to time, and a tone: made by ffmpeg.
 *
 * @param moves when the box is there, in seconds.
 * @param tracks `va` picture and sound, `v` or `a` alone.
 * @param start its first time stamp, in seconds.
 */
export function record(
  seconds: number,
  moves: readonly (readonly [begin: number, end: number])[],
  tracks: 'va' | 'v' | 'a' = 'va',
  start = 1,
): Recording {
  const enable = moves.map(([begin, end]) => `between(t,${begin},${end})`).join('+') || '0';
  const size = 's=320x240:r=10';
  const picture =
    `color=gray:${size}[g];[g]noise=alls=6:allf=t[n];color=white:s=40x60:r=10[b];` +
    `[n][b]overlay=x='mod(50*t,280)':y=100:enable='${enable}'[v]`;
  const bytes = execFileSync(
    'ffmpeg',
    [
      ...['-hide_banner', '-loglevel', 'error', '-f', 'lavfi', '-i', 'sine=r=48000', '-filter_complex'],
      `${picture}${tracks === 'a' ? ';[v]nullsink' : ''}`,
      ...(tracks === 'a' ? [] : ['-map', '[v]', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '20']),
      ...(tracks === 'a' ? [] : ['-tune', 'zerolatency', '-sc_threshold', '0']),
      ...(tracks === 'v' ? [] : ['-map', '0:a', '-c:a', 'mp2', '-b:a', '64k']),
      ...['-t', String(seconds), '-output_ts_offset', String(start), '-f', 'mpegts', 'pipe:1'],
    ],
    { maxBuffer: 2 ** 30 },
  );
  const messages: { at: number; bytes: Uint8Array; mark: MessageMark }[] = [];
  let [pictures, sounds] = [0, 0];
  const cutter = new MessageCutter({
    onMessage(part, mark) {
      if (mark.class === 'video') pictures += 1;
      if (mark.class === 'audio') sounds += 1;
      // Sound alone comes in pieces of 24 ms each, several in a message: by the picture where there is one.
      messages.push({ at: Math.max(0, pictures - 1) * PICTURE_MS, bytes: part, mark });
    },
  });
  cutter.push(bytes);
  cutter.end();
  if (tracks !== 'a') return messages;
  return messages.map((message, i) => ({ ...message, at: (i * seconds * 1_000) / sounds }));
}

/** A file of a film as the spool has it. */
export interface FilmFile {
  readonly capture: string;
  readonly trigger: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly segment: number;
  readonly path: string;
}

/** An agent's motion capture on a clock of its own, with a real decoder and a real spool. Closed with the test. */
export async function startRig(t: TestContext, { decoder }: { decoder?: readonly string[] } = {}) {
  const clock = new FakeClock({ wallMs: Date.UTC(2026, 10, 21) });
  const directory = mkdtempSync(join(tmpdir(), 'perch-motion-'));
  const switchboard = new Switchboard(clock);
  const streams = new Streams({ switchboard, clock, combining, pressure: () => undefined });
  const spool = await Spool.open({ directory: join(directory, 'spool'), clock, logger: silentLogger });
  const keep = async () => undefined;
  const camera = new Camera({ wasArmed: undefined, keep, clock, logger: silentLogger });
  const motion = await Motion.start({
    ...{ data: directory, switchboard, clock, logger: silentLogger },
    captures: { spool, camera },
    ...(decoder && { decoder }),
  });
  const inputs = new Map<string, FeedInput>();
  let rules: ReadonlyMap<string, MotionRule> = new Map();
  let made: ReadonlyMap<string, StreamRule> = new Map();
  t.after(async () => {
    await motion.close();
    streams.close();
    await camera.close();
    await spool.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const apply = () => {
    streams.setRules({ streams: withWatched(made, rules), feeds: new Map() });
    motion.setRules(rules);
  };

  /** What has been decoded is not more than two seconds behind, or there is nothing that decodes. */
  const settled = async (feed: string) => {
    for (;;) {
      // Another process works: it needs the processor more than this loop.
      await setTimeout(2);
      const { state, behindMs } = motion.dump()[feed]?.decoder ?? { state: 'idle', behindMs: 0 };
      if (state !== 'running' || behindMs <= 2_000) return;
    }
  };

  return {
    ...{ clock, camera, motion, directory },
    /** The feed or stream is watched from now on. */
    watch(feed: string, rule: Partial<MotionRule> = {}) {
      rules = new Map([...rules, [feed, { ...noMotion(feed), isOn: true, ...rule }]]);
      apply();
    },
    /** What a stream is made of from now on. */
    combine(stream: string, feeds: readonly string[]) {
      made = new Map([...made, [stream, { stream, feeds }]]);
      apply();
    },
    /** Plays a part of recordings at once on the rig's clock, as fast as they can be decoded. Times in seconds. */
    async play(feeds: Readonly<Record<string, Recording>>, from: number, to: number) {
      const all = Object.entries(feeds)
        .flatMap(([feed, recording]) => recording.map((message) => ({ feed, ...message })))
        .filter(({ at }) => at >= from * 1_000 && at < to * 1_000)
        .sort((a, b) => a.at - b.at);
      const begin = clock.now() - from * 1_000;
      let pausedAt = 0;
      for (const { feed, at, bytes, mark } of all) {
        if (begin + at > clock.now()) clock.advance(begin + at - clock.now());
        const input = inputs.get(feed) ?? switchboard.open(feed);
        inputs.set(feed, input);
        input.publish({ bytes, text: false, mark }, input);
        if (at - pausedAt < 1_000) continue;
        pausedAt = at;
        for (const watched of rules.keys()) await settled(watched);
      }
      await turn();
    },
    /** The encoder of a feed is gone. */
    stop(feed: string) {
      inputs.get(feed)?.close();
      inputs.delete(feed);
    },
    /** The files of all films, in their order, when all is written. */
    async files(): Promise<FilmFile[]> {
      await motion.close();
      return readdirSync(spool.directory)
        .map((file) => ({ file, name: fromStoredName(file) }))
        .flatMap(({ file, name }) => (name ? [{ ...name, file }] : []))
        .sort((a, b) => a.n - b.n)
        .map(({ capture, segment, file }) => ({
          capture: capture.id,
          trigger: capture.trigger,
          timestamp: capture.timestamp,
          segment,
          path: join(spool.directory, file),
        }));
    },
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
