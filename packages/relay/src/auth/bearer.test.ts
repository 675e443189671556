import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { bearerProtocol } from '@perch/protocol';
import { openRelay, Peer } from '../../../../test/support/relay.ts';

const HOUR = 3_600_000;

describe('a token among the subprotocols', () => {
  it('opens what it is for, and the other subprotocol is the one that is chosen', async () => {
    await using relay = await openRelay();
    const token = await relay.createToken({ topic: 'x', scope: ['read', 'write'], ttlMs: HOUR });
    const bearer = bearerProtocol(token);
    for (const [protocols, chosen] of [
      [['perch.1', bearer], 'perch.1'],
      [[bearer, 'perch.1'], 'perch.1'],
      [['null', bearer], 'null'],
    ] as const) {
      using peer = await Peer.open(`${relay.ws}/out/x`, { protocols: [...protocols] });
      assert.equal(peer.webSocket.protocol, chosen);
    }
  });

  it('is not repeated by the answer, neither where it is taken nor where it is not', async () => {
    await using relay = await openRelay();
    const token = await relay.createToken({ topic: 'x', scope: ['read'], ttlMs: HOUR });
    for (const secret of [token, 'wrong-token']) {
      for (const others of ['perch.1, ', '']) {
        const socket = connect({ port: relay.port, host: '127.0.0.1' });
        socket.write(
          'GET /out/x HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
            'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n' +
            `Sec-WebSocket-Protocol: ${others}bearer.${secret}\r\n\r\n`,
        );
        const [answer] = (await once(socket, 'data')) as [Buffer];
        assert.match(String(answer), secret === token ? /^HTTP\/1.1 101/ : /^HTTP\/1.1 401/);
        assert.ok(!String(answer).includes(secret));
        socket.destroy();
      }
    }
  });

  it('is refused where it is wrong, for another topic, or for another scope; an address with it is nothing', async () => {
    await using relay = await openRelay();
    const token = await relay.createToken({ topic: 'x', scope: ['read'], ttlMs: HOUR });
    const refused = { message: 'HTTP 401' };
    const open = (path: string, secret: string) =>
      Peer.open(relay.ws + path, { protocols: ['perch.1', bearerProtocol(secret)] });
    await assert.rejects(open('/out/x', `${token}x`), refused);
    await assert.rejects(open('/out/y', token), refused);
    await assert.rejects(open('/in/x', token), refused);
    for (const query of [`?token=${token}`, `?code=${token}`, `?access_token=${token}`]) {
      await assert.rejects(Peer.open(`${relay.ws}/out/x${query}`), refused);
      await assert.rejects(Peer.open(`${relay.ws}/session/x${query}`), refused);
    }
  });
});
