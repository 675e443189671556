// One test runner process with two stages, whose counts close the output as one. First the files that can share the
// machine, two at a time; then those that measure a live stream (`*.alone.test.ts`), one after another, undisturbed.
//
//   node tools/run-tests.mjs TIMEOUT_MS FILE…
import { Readable } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const [timeout, ...files] = process.argv.slice(2);
const isAlone = (file) => file.includes('.alone.');
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stopped.abort());

const counts = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0, duration_ms: 0 };
const COUNT = new RegExp(`^(${Object.keys(counts).join('|')}) ([\\d.]+)$`);

/** All events of all stages. What each stage counts is added up and comes last. */
async function* stages() {
  let summary;
  for (const [stage, concurrency] of [
    [files.filter((file) => !isAlone(file)), 2],
    [files.filter(isAlone), 1],
  ]) {
    if (stage.length === 0) continue;
    for await (const event of run({
      files: stage,
      concurrency,
      timeout: Number(timeout),
      signal: stopped.signal,
    })) {
      const [, name, count] = (event.type === 'test:diagnostic' && COUNT.exec(event.data.message)) || [];
      // Those of one file say which.
      if (name && event.data.nesting === 0 && event.data.file === undefined) counts[name] += Number(count);
      else if (event.type === 'test:summary' && event.data.file === undefined) summary = event;
      else yield event;
      if (event.type === 'test:fail' && !event.data.todo) process.exitCode = 1;
    }
  }
  // The reporter lists at this what has failed.
  if (summary) yield summary;
  for (const [name, count] of Object.entries(counts)) {
    yield { type: 'test:diagnostic', data: { nesting: 0, message: `${name} ${count}`, level: 'info' } };
  }
}

Readable.from(stages()).pipe(new spec()).pipe(process.stdout);
