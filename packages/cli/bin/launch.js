// Starts Perch under a Node that is new enough. An old Node must be able to read this file.
import './heap.js';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;
const here = path.dirname(fileURLToPath(import.meta.url));
const perch = path.join(here, 'perch.js');
const bundle = new URL('../../../dist/perch.js', import.meta.url);

/** @param {string[]} command what comes before the arguments that were typed. */
export async function launch(command) {
  const args = [...command, ...process.argv.slice(2)];
  if (!existsSync(bundle)) {
    fail(`${fileURLToPath(bundle)} is not there. Run "npm run build", or install Perch again.`);
  } else if (Number.parseInt(process.versions.node, 10) >= NEEDED) {
    process.argv.splice(1, process.argv.length, perch, ...args);
    await import(bundle.href);
  } else {
    const node = bundledNode();
    if (node) under(node, args);
    else {
      fail(
        `Perch needs Node ${NEEDED} or newer, and this is ${process.version}. It brings one only for Linux with glibc on x64 and arm64 (as an optional dependency, so install without --omit=optional). Put a newer Node on the PATH.`,
      );
    }
  }
}

/** The Node that came as a package, where there is one for this machine. */
function bundledNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`);
    const node = path.join(path.dirname(manifest), 'bin', 'node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined; // no such package here
  }
}

/** Runs Perch in a child process, with our input and output; signals go down, the exit code comes up. */
function under(node, args) {
  const child = spawn(node, [perch, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${node} does not run: ${error.message}`));
  child.on('close', (code, signal) => {
    process.exitCode =
      code === null ? 128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] || 0) : code;
  });
}

function fail(message) {
  console.error(`perch: ${message}`);
  process.exitCode = 1;
}
