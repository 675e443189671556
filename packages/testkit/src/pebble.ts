import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificate.ts';
import { freePort, type Launched, launch } from './launch.ts';

/** An ACME server that a test has started: Let's Encrypt's own for tests. It ends when it is closed or disposed. */
export interface TestAcmeServer extends AsyncDisposable {
  /** Address of its directory. */
  readonly directory: string;
  /** PEM: what its own HTTPS is trusted by. */
  readonly ca: string;
  /** PEM: what the certificates that it gives are trusted by. */
  root(): Promise<string>;
  close(): Promise<void>;
}

/** A port where nothing listens. */
const NOWHERE = 1;

/**
 * Starts Pebble on free ports of loopback, with a name server of its own for which every name is 127.0.0.1. It rejects
 * nonces now and then, as it does by default, so that clients have to cope.
 *
 * @param options.httpPort where it asks for HTTP-01 in place of port 80.
 * @param options.tlsPort where it asks for TLS-ALPN-01 in place of port 443.
 */
export async function startPebble(options: { httpPort?: number; tlsPort?: number }): Promise<TestAcmeServer> {
  const directory = mkdtempSync(join(tmpdir(), 'perch-pebble-'));
  const running: Launched[] = [];
  const close = async () => {
    await Promise.all(running.map((program) => program.close()));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const certificate = await makeCertificate(directory);
    const [port, managementPort, dnsPort, dnsManagementPort] = await freePorts();
    const none = ['-http01', '', '-https01', '', '-tlsalpn01', ''];
    const names = await launch({
      command: [
        ...(['pebble-challtestsrv', '-dns01', `127.0.0.1:${dnsPort}`] as const),
        ...['-defaultIPv4', '127.0.0.1', '-defaultIPv6', ''],
        ...['-management', `127.0.0.1:${dnsManagementPort}`, ...none],
      ],
    });
    running.push(names);
    await listening(names, dnsPort);
    const config = join(directory, 'config.json');
    writeFileSync(
      config,
      JSON.stringify({
        pebble: {
          listenAddress: `127.0.0.1:${port}`,
          managementListenAddress: `127.0.0.1:${managementPort}`,
          certificate: certificate.certFile,
          privateKey: certificate.keyFile,
          httpPort: options.httpPort ?? NOWHERE,
          tlsPort: options.tlsPort ?? NOWHERE,
          ocspResponderURL: '',
        },
      }),
    );
    const pebble = await launch({
      command: ['pebble', '-strict', '-config', config, '-dnsserver', `127.0.0.1:${dnsPort}`],
      env: { ...process.env, PEBBLE_VA_NOSLEEP: '1' },
    });
    running.push(pebble);
    await Promise.all([listening(pebble, port), listening(pebble, managementPort)]);
    return {
      directory: `https://127.0.0.1:${port}/dir`,
      ca: certificate.cert,
      root: () => fetchText(`https://127.0.0.1:${managementPort}/roots/0`, certificate.cert),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Several at once, so that none is given twice. */
async function freePorts(): Promise<[number, number, number, number]> {
  return await Promise.all([freePort(), freePort(), freePort(), freePort()]);
}

/** Resolves when the program takes connections: it says that it does before it does. @throws where it ends before. */
async function listening({ exited, output }: Launched, port: number): Promise<void> {
  let code: number | string | undefined;
  void exited.then((end) => {
    code = end;
  });
  while (code === undefined) {
    const socket = connect(port, '127.0.0.1');
    const isTaken = await once(socket, 'connect').then(
      () => true,
      () => false, // not yet
    );
    socket.destroy();
    if (isTaken) return;
  }
  throw new Error(`it ended with ${code} before it listened:\n${output()}`);
}

function fetchText(url: string, ca: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  get(url, { ca }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    response.once('end', () => resolve(text)).once('error', reject);
  }).once('error', reject);
  return promise;
}
