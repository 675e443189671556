/**
 * Claim: on one machine, from the moment a picture is painted to the moment it is on the canvas in Chromium, H.264
 * 640 × 480 at 30/s over agent, relay and WebSocket takes at most 25 ms (median) without sound and 55 ms with.
 *
 * The picture carries the wall clock; the page reads it back from the player's canvas about every 4 ms and counts each
 * picture once, at its first sight. Sound, where there is some, is really playing: its level is checked.
 *
 * ffmpeg holds a picture back until it has sound that is as new, and its AAC encoder needs 64 ms; that is the sender's
 * delay, not ours. So the tone is given to ffmpeg 64 ms before its time in the row that is judged. The other rows are
 * what a microphone would give, for comparison.
 */
import type { PlayerStats } from '@perch/player';
import { startBrowser } from '../test/e2e/support/browser.ts';
import { spread, startLiveStrip } from '../test/e2e/support/live-strip.ts';
import { startSite } from '../test/e2e/support/site.ts';
import { readStripInPage } from '../test/e2e/support/strip.ts';

const seconds = Number(process.env.BENCH_SECONDS ?? 20);
const settleSeconds = 8;

interface Row {
  readonly name: string;
  readonly sound: 'none' | 'aac' | 'opus';
  /** How long before its time the tone is given to ffmpeg, in ms. */
  readonly ahead: number;
  /** What is claimed, in ms. */
  readonly most?: number;
}

const rows: readonly Row[] = [
  { name: 'none', sound: 'none', ahead: 0, most: 25 },
  { name: 'AAC, encoder’s delay taken out', sound: 'aac', ahead: 64, most: 55 },
  { name: 'AAC, as from a microphone', sound: 'aac', ahead: 0 },
  { name: 'Opus, as from a microphone', sound: 'opus', ahead: 0 },
];

interface Result {
  readonly ages: readonly number[];
  readonly dropped: number;
  readonly level: number;
  /** From arrival at the agent to drawing, as the player's own figure says. */
  readonly afterAgentMs: number;
}

async function measure({ sound, ahead }: Row): Promise<Result> {
  await using strip = await startLiveStrip({ sound, ahead, gop: 60 });
  const src = `${strip.relay.replace('http', 'ws')}/out/video0`;
  await using site = await startSite({
    files: strip.webRoot,
    pages: {
      '/': `<!doctype html><title>glass to glass</title><script type="module" src="/player.js"></script>
        <perch-player src="${src}" style="width: 640px; height: 480px"></perch-player>`,
    },
  });
  await using browser = await startBrowser(['--autoplay-policy=no-user-gesture-required']);
  const { page, problems } = await browser.newPage({ width: 700, height: 520 });
  await page.goto(site.url);
  await page.waitForFunction('document.querySelector("perch-player").state?.kind === "live"');
  await page.waitForTimeout(settleSeconds * 1000);
  const ages = await page.evaluate<number[]>(`new Promise((resolve) => {
    const read = ${readStripInPage};
    const player = document.querySelector('perch-player');
    const ages = [];
    let last;
    const end = performance.now() + ${seconds * 1000};
    const look = () => {
      const seen = read(player.shadowRoot.querySelector('canvas'));
      if (seen && seen.ms !== last) {
        last = seen.ms;
        ages.push(seen.age);
      }
      if (performance.now() < end) setTimeout(look, 0);
      else resolve(ages);
    };
    look();
  })`);
  const stats = await page.evaluate<PlayerStats | undefined>('document.querySelector("perch-player").stats');
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return {
    ages,
    dropped: stats?.framesDropped ?? 0,
    level: stats?.soundLevel ?? 0,
    afterAgentMs: stats?.latencyMs ?? Number.NaN,
  };
}

let failed = false;
console.log(
  '| H.264 640×480 30/s, sound | median ms | p95 ms | at most (median) | of it after the agent, ms | pictures/s | dropped | sound level |',
);
console.log('|---|---|---|---|---|---|---|---|');
for (const row of rows) {
  const { ages, dropped, level, afterAgentMs } = await measure(row);
  const { median, p95 } = spread(ages);
  const isSilent = row.sound !== 'none' && level < 0.01;
  failed ||= !(median <= (row.most ?? Number.POSITIVE_INFINITY)) || isSilent;
  console.log(
    `| ${row.name} | ${median.toFixed(1)} | ${p95.toFixed(1)} | ${row.most ?? '–'} | ${afterAgentMs.toFixed(1)} | ` +
      `${(ages.length / seconds).toFixed(1)} | ${dropped} | ${level.toFixed(3)} |`,
  );
}
process.exitCode = failed ? 1 : 0;
