import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Fastify from 'fastify';
import { openRelay, Peer } from '../../../../test/support/relay.ts';
import { enforcePermits, type PermitOptions, socketPermit } from './permit.ts';
import { verbsOf } from './verbs.ts';

describe('a route', () => {
  it('that does not say who may use it keeps the relay from starting', async () => {
    const app = Fastify();
    enforcePermits(app, {} as PermitOptions);
    const route = async () => 'secret';
    assert.throws(
      () => app.get('/forgotten', route),
      /config\.permit: the route GET \/forgotten must say who/,
    );
    await app.close();
  });

  it('of a relay is in its table, with those that answer HEAD', async () => {
    await using relay = await openRelay();
    const rows = relay.permits.map(({ method, url, permit }) => `${method} ${url} ${permit.to}`);
    for (const row of [
      'GET /healthz everyone',
      'HEAD /healthz everyone',
      'DELETE /api/v1/tokens/:id owner',
    ]) {
      assert.ok(rows.includes(row), row);
    }
    assert.equal(new Set(rows).size, rows.length);
  });

  it('answers 405 with the verbs that it knows, whatever its path is made of', async () => {
    await using relay = await openRelay();
    const ask = async (method: string, path: string) => {
      const { status, headers } = await fetch(relay.url + path, { method });
      return [status, headers.get('allow')];
    };
    assert.deepEqual(await ask('PUT', '/api/v1/tokens'), [405, 'GET, HEAD, POST']);
    assert.deepEqual(await ask('GET', '/api/v1/tokens/x'), [405, 'DELETE']);
    assert.deepEqual(await ask('PUT', '/session/a/b'), [405, 'POST']);
    assert.deepEqual(await ask('GET', '/session/a/b'), [400, null]);
    assert.deepEqual(await ask('GET', '/api/v1/tokens/x/y'), [404, null]);
    const rows = [{ method: 'GET', url: '/a/:id/*', permit: { to: 'everyone' } }] as const;
    assert.deepEqual(verbsOf(rows, '/a/b/c/d'), ['GET']);
    for (const path of ['/a', '/a/b', '/a//c', '/b/b/c']) assert.deepEqual(verbsOf(rows, path), [], path);
  });
});

describe('a WebSocket’s path', () => {
  it('has a row, or is refused', async () => {
    assert.deepEqual(socketPermit('/in/front/large'), { to: 'topic' });
    for (const path of ['/', '/in', '/inn/x', '/api/v1/me', '/__proto__', '/constructor/x', '/ws/x']) {
      assert.equal(socketPermit(path), undefined, path);
    }
    await using relay = await openRelay({ open: ['**'] });
    for (const path of ['/api/v1/me', '/stats', '/other/x']) {
      await assert.rejects(Peer.open(relay.ws + path), { message: 'HTTP 404' }, path);
    }
  });
});
