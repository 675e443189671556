// Recognises a machine that our Node cannot run on, before anything is installed. Node 18 must be able to read this file.
import { majorOf, NODE_FOR_PROGRAMS, NODE_FOR_SET_UP } from './node.mjs';

/** The bundled Node is built against this glibc. */
const GLIBC = [2, 28];

/** What set-up needs to know about this machine. */
export function thisMachine() {
  return {
    platform: process.platform,
    arch: process.arch,
    node: process.versions.node,
    glibc: process.platform === 'linux' ? glibcVersion() : undefined,
  };
}

/**
 * Tells whether Perch can run here.
 *
 * @param machine {@link thisMachine}; `glibc` is undefined where the C library is another one (musl).
 * @returns `{ node: 'own' | 'bundled' }`, or `{ problem }`: words that say what is wrong and what to do.
 */
export function recognise({ platform, arch, node, glibc }) {
  const major = majorOf(node);
  const wayOut = `Put a Node ${NODE_FOR_PROGRAMS} or newer of your own on the PATH (nodejs.org, or your system's packages) and run this again.`;
  if (platform === 'win32') {
    return { problem: 'Perch does not run on Windows itself. Run it in WSL 2 (Debian or Ubuntu) there.' };
  }
  if (major >= NODE_FOR_PROGRAMS) return { node: 'own' };
  if (major < NODE_FOR_SET_UP) {
    return {
      problem: `Set-up needs Node ${NODE_FOR_SET_UP} or newer, and this is ${node}. ${wayOut}`,
    };
  }
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    return {
      problem: `Perch brings its own Node only for Linux on x64 and arm64. This is ${platform} on ${arch} with Node ${node}. ${wayOut}`,
    };
  }
  if (glibc === undefined) {
    return {
      problem: `Perch brings its own Node only for Linux with glibc, and this system has another C library (musl, as in Alpine?). ${wayOut} On Alpine 3.23 and newer: apk add nodejs-current npm`,
    };
  }
  const [large = 0, small = 0] = glibc.split('.').map(Number);
  if (large < GLIBC[0] || (large === GLIBC[0] && small < GLIBC[1])) {
    return {
      problem: `The Node that Perch brings needs glibc ${GLIBC.join('.')} or newer, and this system has ${glibc}. Use a newer system (Debian 10, Ubuntu 20.04, RHEL 8 or newer), or a Node ${NODE_FOR_PROGRAMS} built for this one: unofficial-builds.nodejs.org has some ("linux-x64-glibc-217"). Put it on the PATH and run this again.`,
    };
  }
  return { node: 'bundled' };
}

function glibcVersion() {
  const { report } = process;
  if (!report) return undefined;
  // Without this the report asks the network for the names of all open connections.
  report.excludeNetwork = true;
  const data = report.getReport();
  return (typeof data === 'string' ? JSON.parse(data) : data).header.glibcVersionRuntime;
}
