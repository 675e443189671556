import type { Command } from 'commander';
import { environmentLayer } from '../config/environment.ts';
import { runInspect } from '../inspect/index.ts';
import { Stop } from '../stop.ts';
import type { Run } from '../terminal.ts';

interface Flags {
  readonly json?: boolean;
  readonly live?: boolean;
  readonly watch?: boolean;
  readonly seconds?: string;
  readonly token?: string;
}

export function addInspect(program: Command, run: Run): void {
  program
    .command('inspect')
    .description('show what is in a transport stream: programs, codecs, bit rates, errors')
    .argument('<FILE|URL>', 'a file, - for standard input, or an http, https, ws or wss address')
    .option('--json', 'as JSON')
    .option('--live', 'counters each second while reading')
    .option('--watch', 'the stream’s health each second, and a line for each change')
    .option('--seconds <N>', 'stop after so many seconds')
    .option('--token <TOKEN>', 'access token, for https://RELAY/session/TOPIC')
    .addHelpText(
      'after',
      '\nExamples:\n  perch inspect recording.mpegts\n  perch inspect ws://127.0.0.1:8888/ws/demo --live --seconds 10\n  perch inspect ws://127.0.0.1:8888/ws/stream/lab --watch',
    )
    .action(async (input: string, { json = false, live = false, watch = false, seconds, token }: Flags) => {
      using stop = new Stop();
      const ended = new AbortController();
      void stop.asked.then(() => ended.abort());
      run.exitCode = await runInspect({
        input,
        json,
        live,
        watch,
        ...(seconds !== undefined && { seconds: Number(seconds) }),
        token: token ?? run.terminal.env.PERCH_TOKEN,
        proxies: environmentLayer('tool', run.terminal.env).proxy,
        signal: ended.signal,
        stdout: run.terminal.stdout,
        stderr: run.terminal.stderr,
      });
    });
}
