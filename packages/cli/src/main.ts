import { runPerch } from './program.ts';

/** Whatever still hangs on after a command is done does not keep the terminal. */
const PATIENCE_MS = 3_000;

process.exitCode = await runPerch(process.argv.slice(2), process);
setTimeout(() => process.exit(), PATIENCE_MS).unref();
