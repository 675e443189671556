import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import { FakeClock } from '@perch/testkit';
import { chainOf, checkPair, isPubliclyTrusted } from './certificate.ts';
import { Maker } from './testing/maker.ts';

const maker = new Maker();
after(() => maker[Symbol.dispose]());

describe('a certificate of a server', () => {
  it('is publicly trusted where its chain ends at an authority that browsers know', () => {
    // What can be had here with such a signature are the authorities themselves.
    assert.ok(rootCertificates.length > 50);
    for (const root of rootCertificates.slice(0, 20)) assert.ok(isPubliclyTrusted(root));
  });

  it('of somebody else is not, nor one that only brings a known authority along', async () => {
    const { cert } = await maker.certificate(new FakeClock(), 1);
    assert.ok(!isPubliclyTrusted(cert));
    assert.ok(!isPubliclyTrusted(`${cert}\n${rootCertificates[0]}`));
    assert.ok(!isPubliclyTrusted(''));
  });

  it('goes with its own key only', async () => {
    const one = await maker.certificate(new FakeClock(), 1);
    const two = await maker.certificate(new FakeClock(), 1);
    checkPair(one);
    assert.throws(() => checkPair({ ...one, key: two.key }));
    assert.equal(chainOf(`${one.cert}\nwords between\n${two.cert}`).length, 2);
  });
});
