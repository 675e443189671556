import assert from 'node:assert/strict';
import { createHash, type X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { FakeClock } from '@perch/testkit';
import { Maker } from '../testing/maker.ts';
import { AlpnProver } from './tls-alpn-01.ts';

const maker = new Maker();
after(() => maker[Symbol.dispose]());

/** A server of somebody else's, with the prover; and what it shows. */
async function place() {
  const clock = new FakeClock({ wallMs: Date.now() });
  const prover = new AlpnProver({ clock });
  const usual = await maker.certificate(clock, 1, ['usual.example']);
  const server = createServer({
    cert: usual.cert,
    key: usual.key,
    ALPNCallback(this: TLSSocket, asked) {
      return prover.choose(this, asked);
    },
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    prover,
    async shown(servername: string, protocols: string[]): Promise<X509Certificate> {
      const options = { host: '127.0.0.1', port, servername, rejectUnauthorized: false };
      const socket = connect({ ...options, ALPNProtocols: protocols });
      await once(socket, 'secureConnect');
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      assert.ok(certificate);
      return certificate;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

describe('a proof by TLS-ALPN-01', () => {
  const proof = { name: 'relay.example', token: 'token', keyAuthorization: 'token.thumbprint' };

  it('is shown to who asks for it by name and protocol, while it is asked for', async () => {
    await using at = await place();
    await assert.rejects(at.shown('relay.example', ['acme-tls/1']));
    await at.prover.offer(proof);
    const certificate = await at.shown('RELAY.example', ['acme-tls/1']);
    assert.equal(certificate.subjectAltName, 'DNS:relay.example');
    // RFC 8737 3: the extension is critical, and holds the SHA-256 of the key authorization.
    const digest = createHash('sha256').update(proof.keyAuthorization).digest('hex');
    const extension = `06082b0601050507011f0101ff04220420${digest}`;
    assert.ok(certificate.raw.toString('hex').includes(extension));
    await assert.rejects(at.shown('other.example', ['acme-tls/1']));
    await at.prover.withdraw(proof);
    await assert.rejects(at.shown('relay.example', ['acme-tls/1']));
  });

  it('is not what browsers see meanwhile', async () => {
    await using at = await place();
    await at.prover.offer(proof);
    const certificate = await at.shown('relay.example', ['h2', 'http/1.1']);
    assert.equal(certificate.subjectAltName, 'DNS:usual.example');
  });
});
