import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { Guard, type GuardOptions } from './guard.ts';

interface Asked {
  headers?: Record<string, string>;
  path?: string;
  local?: string;
  remote?: string;
  method?: string;
}

/** What the guard says to a request: `pass`, or the status. */
function judge(options: Partial<GuardOptions>, asked: Asked = {}): number | string {
  const {
    headers = {},
    path = '/api/stats',
    local = '127.0.0.1',
    remote = '127.0.0.1',
    method = 'GET',
  } = asked;
  const request = {
    method,
    headers: { host: 'localhost:8888', ...headers },
    socket: { localAddress: local, remoteAddress: remote },
  };
  // The guard reads these fields alone.
  return new Guard({ listenHost: '127.0.0.1', ...options }).judge(request as unknown as IncomingMessage, path)
    .status;
}

const host = (value: string) => ({ headers: { host: value } });

test('loopback names, the listen address and the public host are the agent', () => {
  for (const name of [
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1:8888',
    '127.9.9.9',
    '[::1]:8888',
    'a.localhost',
    'localhost.',
  ]) {
    assert.equal(judge({}, host(name)), 'pass', name);
  }
  assert.equal(judge({ listenHost: '10.0.0.5' }, host('10.0.0.5:8888')), 'pass');
  assert.equal(judge({ publicHost: 'Robot.lan' }, host('robot.lan:8888')), 'pass');
});

test('another name, also one that somebody points to loopback, is not', () => {
  for (const name of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '',
    '@',
    '10.0.0.5',
    '[::2]',
    'a b',
  ]) {
    assert.equal(judge({}, host(name)), 403, name);
  }
});

test('bound to all addresses, the one that the connection came to is the agent', () => {
  const options = { listenHost: '0.0.0.0', token: 'secret-secret-secret' };
  const headers = { host: '172.18.0.1:8888', authorization: 'Bearer secret-secret-secret' };
  assert.equal(judge(options, { headers, local: '::ffff:172.18.0.1' }), 'pass');
  assert.equal(judge(options, { headers, local: '172.18.0.2' }), 403);
});

test("the agent's own page passes, another's only if it is allowed", () => {
  const origin = (value: string) => ({ headers: { origin: value } });
  assert.equal(judge({}, origin('http://localhost:8888')), 'pass');
  for (const other of [
    'http://localhost:3000',
    'https://evil.example',
    'null',
    'http://127.0.0.1:8888',
    'file://',
  ]) {
    assert.equal(judge({}, origin(other)), 403, other);
  }
  const allowed = new Guard({ listenHost: '127.0.0.1', allowOrigin: ['https://lab.example'] });
  const request = {
    method: 'GET',
    headers: { host: 'localhost', origin: 'https://lab.example' },
    socket: {},
  };
  assert.deepEqual(allowed.judge(request as unknown as IncomingMessage, '/'), {
    status: 'pass',
    origin: 'https://lab.example',
  });
});

test('images and the like of foreign pages carry no Origin, and are refused all the same; a link is not', () => {
  const from = (site: string, mode: string) => ({
    headers: { 'sec-fetch-site': site, 'sec-fetch-mode': mode },
  });
  assert.equal(judge({}, from('cross-site', 'no-cors')), 403);
  assert.equal(judge({}, from('same-site', 'no-cors')), 403);
  assert.equal(judge({}, from('same-origin', 'no-cors')), 'pass');
  assert.equal(judge({}, from('none', 'navigate')), 'pass');
  assert.equal(judge({}, from('cross-site', 'navigate')), 'pass');
});

test('beyond loopback the token is asked for, in any of its clothes, of local callers too', () => {
  const token = 'secret-secret-secret';
  const asked = (authorization?: string) => ({
    headers: { host: 'localhost', ...(authorization !== undefined && { authorization }) },
  });
  const options = { listenHost: '0.0.0.0', token };
  assert.equal(judge(options, asked()), 401);
  assert.equal(judge(options, asked('Bearer wrong')), 401);
  assert.equal(judge(options, asked('Digest x')), 401);
  assert.equal(judge(options, asked(`Bearer ${token}`)), 'pass');
  assert.equal(judge(options, asked(token)), 'pass');
  assert.equal(judge(options, asked(`Basic ${Buffer.from(`me:${token}`).toString('base64')}`)), 'pass');
  assert.equal(judge(options, { ...asked(), path: '/healthcheck' }), 'pass');
});

test('trusted networks may publish without a token, and nothing else', () => {
  const options = {
    listenHost: '0.0.0.0',
    token: 'secret-secret-secret',
    trust: ['172.18.0.0/16', 'fd00::/8'],
  };
  const from = (remote: string, path: string) => judge(options, { remote, path });
  assert.equal(from('::ffff:172.18.3.4', '/ts/video0'), 'pass');
  assert.equal(from('fd00::5', '/ts/video0'), 'pass');
  assert.equal(from('172.19.0.1', '/ts/video0'), 401);
  assert.equal(from('127.0.0.1', '/ts/video0'), 401);
  assert.equal(from('172.18.3.4', '/api/streams/all'), 401);
  assert.equal(from('172.18.3.4', '/ws/video0'), 401);
});

test("an own source's token publishes on its own feed alone", () => {
  const guard = new Guard({ listenHost: '0.0.0.0', token: 'secret-secret-secret' });
  guard.admitPublisher('demo', 'source-token');
  const request = {
    method: 'POST',
    headers: { host: 'localhost', authorization: 'Bearer source-token' },
    socket: {},
  } as unknown as IncomingMessage;
  assert.equal(guard.judge(request, '/ts/demo').status, 'pass');
  assert.equal(guard.judge(request, '/ts/other').status, 401);
  assert.equal(guard.judge(request, '/api/stats').status, 401);
});

test('options that cannot be are named', () => {
  for (const trust of ['nonsense', '10.0.0.0/33', '10.0.0.0/', 'fe80::/129', '']) {
    assert.throws(() => new Guard({ listenHost: 'x', trust: [trust] }), /^TypeError: trust: /);
  }
  for (const origin of ['lab.example', 'https://lab.example/', 'https://lab.example/path']) {
    assert.throws(() => new Guard({ listenHost: 'x', allowOrigin: [origin] }), /^TypeError: allowOrigin: /);
  }
});
