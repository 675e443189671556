import assert from 'node:assert/strict';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { callerAddress } from './caller.ts';
import { isLoopback, mayBePlain } from './plain-http.ts';
import { isSecure, TrustedProxies } from './trusted-proxies.ts';

const requestFrom = (
  remoteAddress: string,
  headers: IncomingHttpHeaders = {},
  { encrypted = false } = {},
): IncomingMessage =>
  ({ headers: { ...headers }, socket: { remoteAddress, encrypted } }) as unknown as IncomingMessage;

/** Who calls, as the relay takes it; `refused` where it may not. */
function take(networks: string[], request: IncomingMessage) {
  if (!new TrustedProxies({ networks }).settle(request)) return 'refused';
  return { address: callerAddress(request), secure: isSecure(request), host: request.headers.host };
}

describe('a caller', () => {
  it('is who connects, whatever the request says, where no proxy is trusted', () => {
    const headers = {
      host: 'relay.example',
      'x-forwarded-for': '1.2.3.4',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'bank.example',
      'x-forwarded-port': '443',
      forwarded: 'for=1.2.3.4;proto=https',
    };
    const request = requestFrom('127.0.0.1', headers);
    assert.deepEqual(take([], request), { address: '127.0.0.1', secure: false, host: 'relay.example' });
    assert.deepEqual(request.headers, { host: 'relay.example' }, 'nobody can read it by mistake');
  });

  it('is whom a trusted proxy names, with scheme and host as it was called', () => {
    const headers = {
      host: 'backend:8080',
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'relay.example',
    };
    const known = { address: '203.0.113.9', secure: true, host: 'relay.example' };
    assert.deepEqual(take(['10.0.0.0/8'], requestFrom('10.1.2.3', headers)), known);
    assert.deepEqual(take(['10.1.2.3'], requestFrom('::ffff:10.1.2.3', headers)), known);
    assert.deepEqual(take(['fd00::/8'], requestFrom('fd00::17', headers)), known);
    assert.deepEqual(take(['fe80::/10'], requestFrom('fe80::1%eth0', headers)), known);
    assert.equal(take(['10.0.0.0/8'], requestFrom('11.1.2.3', headers)), 'refused');
  });

  it('is found by walking from the right, past proxies of ours only', () => {
    const through = (chain: string) =>
      take(['10.0.0.0/8'], requestFrom('10.0.0.1', { 'x-forwarded-for': chain }));
    const address = (chain: string) => (through(chain) as { address: string }).address;
    assert.equal(address('203.0.113.9, 10.0.0.2'), '203.0.113.9');
    assert.equal(address('6.6.6.6, 203.0.113.9'), '203.0.113.9', 'the caller wrote the first itself');
    assert.equal(address('6.6.6.6, 203.0.113.9, 10.0.0.2'), '203.0.113.9');
    assert.equal(address('10.6.6.6, 203.0.113.9'), '203.0.113.9', 'nor does it help to name a proxy');
    assert.equal(address('203.0.113.9:4711'), '203.0.113.9');
    assert.equal(address('[2001:db8::9]:4711'), '2001:db8::9');
    assert.equal(address('::ffff:203.0.113.9'), '203.0.113.9');
    assert.equal(address('10.0.0.3'), '10.0.0.3', 'a proxy that asks for itself');
    for (const nonsense of [
      'unknown',
      '',
      ',,',
      '0x7f.1',
      '1.2.3',
      '"<script>"',
      '1.2.3.4.5',
      `${'9'.repeat(9000)}`,
    ]) {
      assert.equal(address(nonsense), '10.0.0.1', `the proxy itself where it names nobody: ${nonsense}`);
    }
    assert.equal(address(Array(5000).fill('10.0.0.9').join(',')), '10.0.0.9', 'and no chain is too long');
  });

  it('has the scheme and host that the proxy next to it saw, where each proxy adds its own', () => {
    const headers = {
      host: 'c',
      'x-forwarded-for': '6.6.6.6, 203.0.113.9, 10.0.0.2',
      'x-forwarded-proto': 'http, https, http',
      'x-forwarded-host': 'evil.example, relay.example, inner',
    };
    const known = { address: '203.0.113.9', secure: true, host: 'relay.example' };
    assert.deepEqual(take(['10.0.0.0/8'], requestFrom('10.0.0.1', headers)), known);
  });

  it('keeps its Host where a proxy names one that is none', () => {
    for (const host of ['a b', 'a/b', 'user@a', 'a:b', '[::1', '<x>', 'a'.repeat(300)]) {
      const request = requestFrom('10.0.0.1', { host: 'relay.example', 'x-forwarded-host': host });
      assert.deepEqual(take(['10.0.0.1'], request), {
        address: '10.0.0.1',
        secure: false,
        host: 'relay.example',
      });
    }
  });

  it('may speak plain HTTP from this machine and by our proxies alone, TLS from anywhere', () => {
    assert.equal(take([], requestFrom('192.168.1.7')), 'refused');
    assert.equal(
      take(['10.0.0.1'], requestFrom('192.168.1.7', { 'x-forwarded-for': '127.0.0.1' })),
      'refused',
    );
    assert.notEqual(take([], requestFrom('::1')), 'refused');
    assert.notEqual(take([], requestFrom('::ffff:127.0.0.9')), 'refused');
    const overTls = requestFrom('192.168.1.7', {}, { encrypted: true });
    assert.deepEqual(take([], overTls), { address: '192.168.1.7', secure: true, host: undefined });
  });
});

describe('a proxy', () => {
  it('that is not trusted is named once, where it can be one', () => {
    const named: string[] = [];
    const proxies = new TrustedProxies({ networks: [], onStranger: (address) => named.push(address) });
    const forwarded = { 'x-forwarded-for': '1.2.3.4' };
    proxies.settle(requestFrom('203.0.113.9', forwarded));
    assert.deepEqual(named, [], 'strangers may say what they like');
    proxies.settle(requestFrom('127.0.0.1'));
    proxies.settle(requestFrom('127.0.0.1', forwarded));
    proxies.settle(requestFrom('10.0.0.1', forwarded));
    assert.deepEqual(named, ['127.0.0.1']);
  });

  it('is a network or an address, else the option is named', () => {
    for (const text of [
      'nonsense',
      '10.0.0.0/33',
      '10.0.0.0/',
      'fe80::/129',
      '',
      '10.0.0.0/8/8',
      '10.1',
      '1.2.3.4/-1',
    ]) {
      assert.throws(() => new TrustedProxies({ networks: [text] }), /^TypeError: trustProxy: /, text);
    }
  });
});

describe('plain HTTP', () => {
  it('is for loopback, and beyond it for a proxy that is named', () => {
    for (const host of [
      '127.0.0.1',
      '127.9.9.9',
      '::1',
      '[::1]',
      'localhost',
      'a.localhost',
      '::ffff:127.0.0.1',
    ]) {
      assert.ok(isLoopback(host), host);
      assert.ok(mayBePlain({ host, trustProxy: [] }));
    }
    for (const host of ['0.0.0.0', '::', '192.168.1.7', 'relay.example', 'localhost.example', '128.0.0.1']) {
      assert.ok(!mayBePlain({ host, trustProxy: [] }), host);
      assert.ok(mayBePlain({ host, trustProxy: ['10.0.0.1'] }));
    }
  });
});
