import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import type { ClientStats } from '../../packages/relay/src/index.ts';
import { openRelay, Peer } from '../support/relay.ts';

/** Rows C1 to C7 and C10 of COMPAT.md 7: what crossbar's clients rely on. */
const open = () => openRelay({ open: ['**'] });

describe('crossbar', () => {
  it('C1: everybody on /bi hears everybody else, and not itself', async () => {
    await using relay = await open();
    using a = await Peer.open(`${relay.ws}/bi/expt`);
    using b = await Peer.open(`${relay.ws}/bi/expt`);
    using c = await Peer.open(`${relay.ws}/bi/expt`);
    a.send('from a');
    assert.deepEqual(await b.hears(1), ['from a']);
    assert.deepEqual(await c.hears(1), ['from a']);
    b.send('from b');
    assert.deepEqual(await a.hears(1), ['from b']);
    assert.deepEqual(await c.hears(2), ['from a', 'from b']);
    await b.settled();
    assert.deepEqual(b.heard, ['from a']);
  });

  it('C1: no echo either where several speak in one turn', async () => {
    await using relay = await open();
    using a = await Peer.open(`${relay.ws}/bi/expt`);
    using b = await Peer.open(`${relay.ws}/bi/expt`);
    for (let i = 0; i < 50; i++) {
      a.send(`a${i}`);
      b.send(`b${i}`);
    }
    assert.deepEqual(
      await a.hears(50),
      Array.from({ length: 50 }, (_, i) => `b${i}`),
    );
    assert.deepEqual(
      await b.hears(50),
      Array.from({ length: 50 }, (_, i) => `a${i}`),
    );
  });

  it('C2: what is sent to /in/x is heard on /out/x, and on no other topic', async () => {
    await using relay = await open();
    using viewer = await Peer.open(`${relay.ws}/out/demo`);
    using deep = await Peer.open(`${relay.ws}/out/demo/deep`);
    using both = await Peer.open(`${relay.ws}/bi/demo`);
    using publisher = await Peer.open(`${relay.ws}/in/demo`);
    publisher.send('hello');
    publisher.send(Buffer.from([1, 2, 3]));
    assert.deepEqual(await viewer.hears(2), ['hello', Buffer.from([1, 2, 3])]);
    await deep.settled();
    await both.settled();
    assert.deepEqual([...deep.heard, ...both.heard], []);
  });

  it('C3: what a viewer on /out sends is dropped, and it stays connected', async () => {
    await using relay = await open();
    using viewer = await Peer.open(`${relay.ws}/out/demo`);
    using other = await Peer.open(`${relay.ws}/out/demo`);
    using publisher = await Peer.open(`${relay.ws}/in/demo`);
    viewer.send('mute');
    await viewer.settled();
    publisher.send('heard');
    assert.deepEqual(await other.hears(1), ['heard']);
    assert.deepEqual(await viewer.hears(1), ['heard']);
    await publisher.settled();
    assert.deepEqual(publisher.heard, []);
  });

  it('C4: a publisher on /in hears the other publishers', async () => {
    await using relay = await open();
    using a = await Peer.open(`${relay.ws}/in/demo`);
    using b = await Peer.open(`${relay.ws}/in/demo`);
    a.send('from a');
    assert.deepEqual(await b.hears(1), ['from a']);
    await a.settled();
    assert.deepEqual(a.heard, []);
  });

  it('C5: a trailing slash changes nothing', async () => {
    await using relay = await open();
    using viewer = await Peer.open(`${relay.ws}/out/demo/`);
    using publisher = await Peer.open(`${relay.ws}/in/demo`);
    publisher.send('hello');
    assert.deepEqual(await viewer.hears(1), ['hello']);
  });

  it('C6: text stays text and binary stays binary, message by message', async () => {
    await using relay = await open();
    using viewer = await Peer.open(`${relay.ws}/out/demo`);
    using publisher = await Peer.open(`${relay.ws}/in/demo`);
    const sent = [
      '{"a":1}',
      Buffer.from('{"b":2}'),
      '',
      Buffer.alloc(0),
      'ü',
      Buffer.alloc(70_000, 7),
      '{"c":3}',
    ];
    for (const message of sent) publisher.send(message);
    // Never glued together, as the older relay did (COMPAT 2.6).
    assert.deepEqual(await viewer.hears(sent.length), sent);
  });

  it('C7: the stats socket answers each message with one object per client', async () => {
    await using relay = await openRelay({ open: ['**'], trustProxy: ['127.0.0.1'] });
    using publisher = await Peer.open(`${relay.ws}/in/demo`, { headers: { 'User-Agent': 'camera' } });
    using viewer = await Peer.open(`${relay.ws}/out/demo`, { headers: { 'X-Forwarded-For': '1.2.3.4' } });
    using both = await Peer.open(`${relay.ws}/bi/expt`);
    for (const size of [4, 5, 6]) publisher.send(Buffer.alloc(size));
    await viewer.hears(3);
    using stats = await Peer.open(`${relay.ws}/ws`);
    await stats.settled();
    assert.deepEqual(stats.heard, [], 'nothing comes unasked');
    stats.send('-');
    const clients = (await stats.hears(3)).map((text) => JSON.parse(String(text)) as ClientStats);
    stats.send('anything');
    await stats.hears(6);
    await stats.settled();
    assert.equal(stats.heard.length, 6, 'stats connections are not listed');

    const [sends, gets, idle] = clients;
    assert.deepEqual(Object.keys(sends ?? {}), [
      'topic',
      'broadcaster',
      'connected',
      'remoteAddr',
      'userAgent',
      'stats',
    ]);
    assert.deepEqual([sends?.topic, sends?.broadcaster, sends?.userAgent], ['/out/demo', true, 'camera']);
    assert.deepEqual([gets?.topic, gets?.broadcaster, gets?.remoteAddr], ['/out/demo', false, '1.2.3.4']);
    assert.deepEqual([idle?.topic, idle?.broadcaster], ['/bi/expt', false]);
    assert.match(sends?.connected ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC m=\+\d+\.\d+$/);
    assert.equal(sends?.stats.tx.size, 5);
    assert.match(sends?.stats.tx.last ?? '', /^[\d.]+(s|ms|µs)$/);
    assert.deepEqual(sends?.stats.rx, { last: 'Never', size: 0, fps: 0 });
    assert.ok((gets?.stats.rx.size ?? 0) >= 5, 'what went to the viewer');
    assert.deepEqual(idle?.stats, {
      tx: { last: 'Never', size: 0, fps: 0 },
      rx: { last: 'Never', size: 0, fps: 0 },
    });
    assert.ok(both.heard.length === 0);
  });

  it('C7: the stats page is there, and other verbs are refused', async () => {
    await using relay = await open();
    const page = await fetch(`${relay.url}/stats`);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<table>/);
    const posted = await fetch(`${relay.url}/stats`, { method: 'POST' });
    assert.equal(posted.status, 405);
    assert.equal(await posted.text(), 'Method not allowed\n');
    const plain = await fetch(`${relay.url}/ws`);
    assert.deepEqual([plain.status, await plain.text()], [400, 'Bad Request\n']);
  });

  it('C10: a viewer that stops reading stalls nobody: not the others, not the publishers, not newcomers', async () => {
    await using relay = await openRelay({ open: ['**'], limits: { backlogBytes: 256 * 1024 } });
    // It shakes hands and never reads a byte again.
    const stuck = connect({ port: relay.port, host: '127.0.0.1' });
    stuck.write(
      'GET /out/demo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    stuck.pause();
    try {
      using viewer = await Peer.open(`${relay.ws}/out/demo`);
      using publisher = await Peer.open(`${relay.ws}/in/demo`);
      // Many times the 256 messages that stopped the older relay, and more bytes than any kernel keeps for a peer.
      const payload = Buffer.alloc(60_000, 1);
      const count = 1_000;
      for (let i = 1; i <= count; i++) {
        publisher.send(payload);
        // Two at a time: the viewer that reads is well within its own budget.
        if (i % 2 === 0) await viewer.hears(i);
      }
      assert.equal(viewer.heard.length, count);
      using newcomer = await Peer.open(`${relay.ws}/out/demo`);
      publisher.send('still here');
      await newcomer.hears(1);
      assert.deepEqual(newcomer.heard, ['still here']);
      const metrics = await (await fetch(`${relay.url}/metrics`)).text();
      const backlog = Number(/^perch_backlog_bytes (\d+)/m.exec(metrics)?.[1]);
      assert.ok(backlog <= 256 * 1024 + 2 * 60_000, `the stuck viewer costs ${backlog} bytes`);
    } finally {
      stuck.destroy();
    }
  });
});
