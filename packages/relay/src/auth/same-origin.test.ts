import assert from 'node:assert/strict';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { isSameOrigin } from './same-origin.ts';

const asked = (headers: IncomingHttpHeaders, encrypted = false) =>
  isSameOrigin({ headers, socket: { encrypted } } as unknown as IncomingMessage);

test('a page is of the same origin by its host and port', () => {
  assert.ok(asked({ origin: 'http://relay.example', host: 'relay.example' }));
  assert.ok(asked({ origin: 'http://relay.example', host: 'relay.example:80' }));
  assert.ok(asked({ origin: 'https://relay.example:8443', host: 'RELAY.example:8443' }, true));
  assert.ok(!asked({ origin: 'http://relay.example:8080', host: 'relay.example' }));
  assert.ok(!asked({ origin: 'http://evil.example', host: 'relay.example' }));
  assert.ok(!asked({ origin: 'http://relay.example.evil.example', host: 'relay.example' }));
});

test('over TLS a page that came without it is another', () => {
  assert.ok(asked({ origin: 'https://relay.example', host: 'relay.example' }, true));
  assert.ok(!asked({ origin: 'http://relay.example', host: 'relay.example' }, true));
  const proxied = { host: 'relay.example', 'x-forwarded-proto': 'https' };
  assert.ok(!asked({ ...proxied, origin: 'http://relay.example' }));
  assert.ok(asked({ ...proxied, origin: 'https://relay.example' }));
});

test('a page over TLS may ask where a proxy that nobody named ended it', () => {
  assert.ok(asked({ origin: 'https://relay.example', host: 'relay.example' }));
});

test('what is no page of a site is of none', () => {
  for (const origin of [
    'null',
    '',
    'relay.example',
    'file://',
    'chrome-extension://relay.example',
    undefined,
  ]) {
    assert.ok(!asked({ ...(origin !== undefined && { origin }), host: 'relay.example' }), String(origin));
  }
  assert.ok(!asked({ origin: 'http://relay.example' }));
});
