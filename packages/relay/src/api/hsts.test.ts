import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { insistOnTls } from './hsts.ts';

test('browsers are told to insist on TLS while the certificate is one that they take, whatever the answer', async () => {
  const app = Fastify();
  const tls = { isPublic: false };
  insistOnTls(app, tls);
  app.get('/', async () => 'ok');
  const told = async (url: string) => (await app.inject(url)).headers['strict-transport-security'];
  assert.equal(await told('/'), undefined);
  tls.isPublic = true;
  assert.equal(await told('/'), 'max-age=31536000');
  assert.equal(await told('/nothing'), 'max-age=31536000');
  tls.isPublic = false;
  assert.equal(await told('/'), undefined);
  await app.close();
});
