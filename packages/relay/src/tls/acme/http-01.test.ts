import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { HttpDoor } from './http-01.ts';

const open = (httpsPort = 443) =>
  HttpDoor.open({
    listen: { host: '127.0.0.1', port: 0 },
    names: ['relay.example', 'www.relay.example'],
    httpsPort: () => httpsPort,
    answer: async (token) => {
      if (token === 'the-database-is-away') throw new Error('away');
      return token === 'the-token-we-know' ? 'the-token-we-know.thumbprint' : undefined;
    },
  });

async function ask(door: HttpDoor, path: string, options: { method?: string; host?: string } = {}) {
  const { method = 'GET', host = 'relay.example' } = options;
  const asked = request({ host: '127.0.0.1', port: door.port, path, method, headers: { host } }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response) text += part;
  return { status: response.statusCode, location: response.headers.location, text };
}

describe('the plain HTTP port of a relay with ACME', () => {
  it('answers for the challenge that is open, and for no other', async () => {
    await using door = await open();
    const at = '/.well-known/acme-challenge/';
    assert.deepEqual(await ask(door, `${at}the-token-we-know`), {
      ...{ status: 200, location: undefined, text: 'the-token-we-know.thumbprint' },
    });
    const others = ['a-token-that-is-unknown', '', '../../etc/passwd', 'x', '%00', 'a'.repeat(5000)];
    for (const token of [...others, 'the-database-is-away']) {
      assert.equal((await ask(door, at + token)).status, 404, token);
    }
  });

  it('sends people on to HTTPS, under names of the relay only', async () => {
    await using door = await open();
    const location = async (path: string, host: string) => (await ask(door, path, { host })).location;
    assert.equal(await location('/watch?x=1', 'www.relay.example'), 'https://www.relay.example/watch?x=1');
    assert.equal(await location('/', 'RELAY.example:80'), 'https://relay.example/');
    assert.equal(await location('/', 'evil.example'), 'https://relay.example/');
    assert.equal(await location('//evil.example/', 'relay.example'), 'https://relay.example//evil.example/');
    assert.equal(await location('http://evil.example/', 'relay.example'), 'https://relay.example/');
    await using other = await open(8443);
    const { location: withPort } = await ask(other, '/');
    assert.equal(withPort, 'https://relay.example:8443/');
  });

  it('does not send on what was posted in clear', async () => {
    await using door = await open();
    const { status, location } = await ask(door, '/api/v1/sign-in', { method: 'POST' });
    assert.equal(status, 400);
    assert.equal(location, undefined);
  });

  it('closes also while somebody is connected and says nothing', async () => {
    const door = await open();
    const socket = connect(door.port, '127.0.0.1');
    await once(socket, 'connect');
    const gone = once(socket, 'close');
    await door.close();
    await gone;
  });

  it('names a port that is in use, and the flag for another', async () => {
    await using door = await open();
    const listen = { host: '127.0.0.1', port: door.port };
    await assert.rejects(
      HttpDoor.open({ listen, names: ['a'], httpsPort: () => 1, answer: async () => undefined }),
      { code: 'port-in-use', message: /--acme_listen/ },
    );
  });
});
