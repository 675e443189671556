import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { millis } from '@perch/runtime';
import fc from 'fast-check';
import { looksLikeJwt, verifyJwt } from './jwt.ts';
import { makeJwt } from './testing/make-jwt.ts';

const NOW = millis(Date.UTC(2026, 10, 21));
const seconds = NOW / 1000;
const secret = 'somesecret';
const verify = (token: string) => verifyJwt({ token, secret, now: NOW });
const why = (token: string): string => {
  const verdict = verify(token);
  return verdict.kind === 'invalid' ? verdict.why : 'valid';
};

describe('a JWT', () => {
  it('of RFC 7515 A.1 is understood: signed there, expired since', () => {
    const example =
      'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
    const key = Buffer.from(
      'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
      'base64url',
    );
    const verdict = verifyJwt({
      token: example,
      secret: key,
      now: millis(1300819379_000),
    });
    assert.equal(verdict.kind === 'valid' && verdict.claims.iss, 'joe');
    const later = verifyJwt({
      token: example,
      secret: key,
      now: millis(1300819380_000),
    });
    assert.match(later.kind === 'invalid' ? later.why : '', /has expired at 2011-03-22T18:43:00Z/);
  });

  for (const alg of ['HS256', 'HS384', 'HS512'] as const) {
    it(`signed with ${alg} holds`, () => {
      const verdict = verify(makeJwt({ secret, alg, claims: { exp: seconds + 1, topic: 't' } }));
      assert.ok(verdict.kind === 'valid');
      assert.equal(verdict.claims.topic, 't');
      assert.equal(verdict.claims.expires, NOW + 1000);
    });
  }

  it('without signature is refused, whatever it calls that', () => {
    for (const alg of ['none', 'None', 'NONE', 'RS256', '', 'toString']) {
      const token = makeJwt({ secret, alg, claims: { exp: seconds + 60 } });
      assert.match(why(token), /only HS256, HS384 and HS512 are taken/, alg);
      assert.match(why(`${token.split('.').slice(0, 2).join('.')}.`), /only HS256/, alg);
    }
    const [header, payload] = makeJwt({ secret, claims: { exp: seconds + 60 } }).split('.');
    assert.equal(why(`${header}.${payload}.`), 'is not signed with our secret');
  });

  it('signed by another, or changed after, is refused', () => {
    const token = makeJwt({ secret, claims: { exp: seconds + 60, topic: 'a' } });
    const other = makeJwt({ secret, claims: { exp: seconds + 60, topic: 'b' } });
    const [header, , signature] = token.split('.');
    assert.equal(why(`${header}.${other.split('.')[1]}.${signature}`), 'is not signed with our secret');
    assert.equal(
      why(makeJwt({ secret: 'another', claims: { exp: seconds + 60 } })),
      'is not signed with our secret',
    );
  });

  it('is refused before and after its time, in words that name both clocks', () => {
    const past = makeJwt({ secret, claims: { exp: seconds } });
    assert.equal(why(past), 'has expired at 2026-11-21T00:00:00Z; it is 2026-11-21T00:00:00Z here');
    const early = makeJwt({ secret, claims: { exp: seconds + 90, nbf: seconds + 60 } });
    assert.equal(why(early), 'is not valid before 2026-11-21T00:01:00Z; it is 2026-11-21T00:00:00Z here');
  });

  it('must say when it ends, as a number', () => {
    assert.match(why(makeJwt({ secret, claims: {} })), /has no exp/);
    for (const exp of ['soon', null, Number.MAX_VALUE, [], true]) {
      assert.match(why(makeJwt({ secret, claims: { exp } })), /has no number in exp/);
    }
  });

  it('that demands an extension is refused', () => {
    const token = makeJwt({ secret, header: { crit: ['b64'] }, claims: { exp: seconds + 60 } });
    assert.match(why(token), /crit/);
  });

  it('that is none is said to be none', () => {
    for (const text of ['', 'abc', 'a.b', 'a.b.c.d', '.b.c', 'a b.c.d', 'Bearer a.b.c']) {
      assert.equal(looksLikeJwt(text), false, text);
      assert.match(why(text), /is no JWT/, text);
    }
    assert.match(why('a.b.c'), /signed by nothing/);
    assert.match(why(`a.${'b'.repeat(9_000)}.c`), /more than 8192 characters/);
    assert.match(why(makeJwt({ secret, claims: [1] })), /no JSON object/);
  });

  it('that is noise never throws and never holds', () => {
    const token = makeJwt({ secret, claims: { exp: seconds + 60 } });
    fc.assert(
      fc.property(fc.string(), fc.json(), fc.json(), (noise, header, claims) => {
        const part = (text: string) => Buffer.from(text).toString('base64url');
        assert.notEqual(why(noise), 'valid');
        assert.notEqual(why(`${part(header)}.${part(claims)}.${part(noise)}`), 'valid');
        assert.notEqual(why(`${token.split('.')[0]}.${part(claims)}.${token.split('.')[2]}`), 'valid');
        why(makeJwt({ secret, header: { noise }, claims: JSON.parse(claims) }));
      }),
    );
  });

  it('with a bit of it changed does not hold', () => {
    const token = makeJwt({ secret, claims: { exp: seconds + 60 } });
    for (let i = 0; i < token.length - 1; i++) {
      if (token[i] === '.') continue;
      assert.notEqual(why(token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1)), 'valid');
    }
  });

  it('is never checked with an empty secret', () => {
    assert.throws(() => verifyJwt({ token: 'a.b.c', secret: '', now: NOW }), TypeError);
  });
});
