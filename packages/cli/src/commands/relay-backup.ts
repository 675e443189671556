import { backupIn, restoreIn } from '@perch/relay';
import { silentLogger, systemClock } from '@perch/runtime';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { flagLayer } from '../flags.ts';
import { type Run, writeJson } from '../terminal.ts';

interface Flags {
  readonly config?: string;
  readonly json?: boolean;
  readonly captures?: string;
}

/** `perch relay backup` and `restore`: below a command that is one itself. */
export function addRelayBackup(relay: Command, run: Run): void {
  // So that --data behind the subcommand's name is the subcommand's: all above it must stop at a name for that.
  for (let above: Command | null = relay; above; above = above.parent) above.enablePositionalOptions();
  const shared = (command: Command) =>
    command
      .option('--config <FILE>', 'read this file instead of DIR/perch.yaml')
      .option('--data <DIR>', "the relay's directory (default: $XDG_STATE_HOME/perch)")
      .option('--database <URL>', "the relay's database (default: sqlite:DIR/perch.db)")
      .option('--json', 'as JSON');
  shared(relay.command('backup'))
    .description(
      "write the relay's authorities, people, devices, tokens and audit to a file, also while it runs",
    )
    .option('--captures <DIR>', 'copy the films there too; what is there already is not copied again')
    .argument('<FILE>', 'is not there yet. Who reads it can be any device and any person: keep it safe')
    .addHelpText('after', '\nExample:\n  perch relay backup /mnt/safe/perch-2026-11-21 --data /var/lib/perch')
    .action((file: string, flags: Flags) => backup(run, file, flags));
  shared(relay.command('restore'))
    .description('make the state of a relay from a backup, in a directory or database where none is')
    .option('--captures <DIR>', 'copy the films back from there')
    .argument('<FILE>', 'of "perch relay backup", by this version or an older one')
    .addHelpText(
      'after',
      '\nExample:\n  perch relay restore /mnt/safe/perch-2026-11-21 --data /var/lib/perch',
    )
    .action((file: string, flags: Flags) => restore(run, file, flags));
}

function place({ terminal }: Run, flags: Flags) {
  const { config } = loadConfig({
    program: 'tool',
    file: flags.config,
    env: terminal.env,
    flags: flagLayer(flags as unknown as Record<string, unknown>, { database: 'relay.database' }),
  });
  return { data: config.data, database: config['relay.database'], clock: systemClock, logger: silentLogger };
}

async function backup(run: Run, file: string, flags: Flags): Promise<void> {
  const { captures } = flags;
  const { rows, films } = await backupIn({ ...place(run, flags), file, captures });
  if (flags.json) writeJson(run.terminal, { file, rows, ...(films && { films }) });
  else
    run.terminal.stdout.write(
      `${file} holds ${rows} rows. Who reads it can be any device and any person of this relay: keep it safe.
${filmWords(films, captures)}\n`,
    );
}

async function restore(run: Run, file: string, flags: Flags): Promise<void> {
  const { captures } = flags;
  const { at, rows, films } = await restoreIn({ ...place(run, flags), file, captures });
  if (flags.json) writeJson(run.terminal, { file, rows, at, ...(films && { films }) });
  else
    run.terminal.stdout.write(`The state of ${at} is restored, ${rows} rows${films ? `, and ${films.files} files of films` : ''}. What was revoked or removed since then is good again: look
through devices, people, sessions and tokens. Two relays must not run on the same state in two places.
`);
}

const filmWords = (
  films: { readonly files: number; readonly already: number } | undefined,
  to?: string,
): string =>
  films
    ? `${to} has the films: ${films.files} files were copied, ${films.already} were there.`
    : 'Films are not in it: say where to copy them with --captures DIR.';
