// Which Node runs our programs: the machine's own where it is new enough, else the one that came as a package.
// Node 18 must be able to read this file.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of this repository. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The first major version of Node that our programs run on, and the first that set-up runs on. */
export const NODE_FOR_PROGRAMS = 24;
export const NODE_FOR_SET_UP = 18;

export const majorOf = (version) => Number.parseInt(version, 10);

/** The bundled Node for this machine, whether it is there or not. */
export const bundledNode = () => path.join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');

/**
 * Runs this very script again under Node 24 where the running one is older.
 *
 * @returns the exit code of that run, or `undefined` where this Node is new enough: go on.
 */
export async function underNewNode() {
  if (majorOf(process.versions.node) >= NODE_FOR_PROGRAMS) return undefined;
  const node = bundledNode();
  if (!existsSync(node)) {
    console.error(
      `perch: this needs Node ${NODE_FOR_PROGRAMS}, and this is ${process.version}. Run "npm ci" first: it brings one.`,
    );
    return 1;
  }
  return run([node, ...process.argv.slice(1)]);
}

/**
 * Runs a program with our input and output until it ends. Signals are handed on.
 *
 * @returns its exit code, or 128 and the signal's number.
 */
export function run(command, options = {}) {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', cwd: root, ...options });
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    const handOn = (signal) => child.kill(signal);
    for (const signal of signals) process.on(signal, handOn);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const name of signals) process.off(name, handOn);
      resolve(code ?? 128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0));
    });
  });
}

/** A message that the person at the terminal must read; ends set-up. */
export class SetUpError extends Error {}

/** Runs a tool's main function: its number is the exit code, a SetUpError is printed without its stack. */
export async function main(tool) {
  try {
    process.exitCode = await tool();
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    console.error(`perch: ${error.message}`);
    process.exitCode = 1;
  }
}
