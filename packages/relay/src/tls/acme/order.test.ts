import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '@perch/runtime';
import { freePort, startPebble, type TestAcmeServer } from '@perch/testkit';
import { newKeyPair } from '../ca.ts';
import { chainOf, checkPair, isPubliclyTrusted } from '../certificate.ts';
import { HttpDoor, httpProver } from './http-01.ts';
import { type OrderOptions, orderCertificate } from './order.ts';

describe('an order at a real ACME server (Pebble)', () => {
  let server: TestAcmeServer;
  let httpPort: number;
  before(async () => {
    httpPort = await freePort();
    server = await startPebble({ httpPort });
  });
  after(() => server.close());

  /** A store in memory, and the port that answers from it. */
  async function place(names: readonly string[]) {
    const answers = new Map<string, string>();
    const asked: string[] = [];
    const key = newKeyPair().privateKey;
    const door = await HttpDoor.open({
      listen: { host: '127.0.0.1', port: httpPort },
      names,
      httpsPort: () => 443,
      answer: async (token) => {
        asked.push(token);
        return answers.get(token);
      },
    });
    const options: OrderOptions = {
      directory: server.directory,
      directoryCa: server.ca,
      names,
      email: 'owner@relay.example',
      accountKey: async () => key,
      prover: httpProver({
        keepAnswer: async (token, answer) => void answers.set(token, answer),
        dropAnswer: async (token) => void answers.delete(token),
      }),
      clock: systemClock,
      signal: new AbortController().signal,
    };
    return { options, answers, asked, door, [Symbol.asyncDispose]: () => door.close() };
  }

  it('gets a certificate for all its names, and its chain leads to the server', async () => {
    await using at = await place(['relay.example', 'www.relay.example']);
    const made = await orderCertificate(at.options);
    checkPair(made);
    const [own, ...above] = chainOf(made.cert);
    assert.equal(own?.subjectAltName, 'DNS:relay.example, DNS:www.relay.example');
    assert.ok(above[0] && own?.checkIssued(above[0]) && own.verify(above[0].publicKey));
    const root = new X509Certificate(await server.root());
    assert.ok(above.at(-1)?.checkIssued(root));
    assert.ok(at.asked.length >= 1, 'it asked for the answers');
    assert.equal(at.answers.size, 0, 'the answers are gone');
    assert.ok(!isPubliclyTrusted(made.cert), 'a server for tests is no reason for HSTS');
  });

  it('uses the account again', async () => {
    await using at = await place(['again.example']);
    const first = await orderCertificate(at.options);
    const second = await orderCertificate(at.options);
    assert.notEqual(first.cert, second.cert);
    assert.notEqual(first.key, second.key);
  });

  it('that is refused says why, in the words of the server', async () => {
    await using at = await place(['refused.example']);
    const prover = { ...at.options.prover, offer: async () => undefined };
    await assert.rejects(orderCertificate({ ...at.options, prover }), {
      code: 'certificate-refused',
      message:
        /127\.0\.0\.1:\d+ gives no certificate for refused\.example: refused\.example: .*(404|did not match)/,
    });
    assert.equal(at.answers.size, 0);
  });

  it('at a server that is not there, or that cannot be trusted, says so', async () => {
    await using at = await place(['nobody.example']);
    const directory = `https://127.0.0.1:${await freePort()}/dir`;
    await assert.rejects(orderCertificate({ ...at.options, directory }), {
      code: 'certificate-refused',
      message: /ECONNREFUSED/,
    });
    const { directoryCa: _, ...untrusted } = at.options;
    await assert.rejects(orderCertificate(untrusted), {
      code: 'certificate-refused',
      message: /self-signed|SELF_SIGNED|unable to verify/,
    });
  });

  it('is given up at once where the relay stops and the server says nothing', async () => {
    await using at = await place(['silent.example']);
    await using silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const abort = new AbortController();
    silent.on('connection', (socket) => {
      socket.on('error', () => undefined);
      abort.abort(new Error('the relay stops'));
    });
    const directory = `https://127.0.0.1:${port}/dir`;
    await assert.rejects(orderCertificate({ ...at.options, directory, signal: abort.signal }));
  });

  it('is given up where the relay stops', async () => {
    await using at = await place(['stopped.example']);
    const abort = new AbortController();
    const prover = {
      ...at.options.prover,
      offer: async () => abort.abort(new Error('the relay stops')),
    };
    await assert.rejects(orderCertificate({ ...at.options, prover, signal: abort.signal }));
  });
});
