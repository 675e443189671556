// COMPAT.md 7, rows V1 to V8, V13 to V16 and the rest of sections 1.2 to 1.5: one agent, black box.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { answerOf, blob, Client, FarEnd, openPublisher, packet, post, startTestAgent } from './vw-harness.ts';

const NOT_FOUND = { status: 404, type: 'text/plain; charset=utf-8', body: '404 page not found\n' };
const JSON_TYPE = 'application/json';

test('V1 healthcheck answers "ok" and a newline, and 405 without a body to anything but GET', async (t) => {
  const { url } = await startTestAgent(t);
  assert.deepEqual(await answerOf(fetch(`${url}/healthcheck`)), {
    status: 200,
    type: 'text/plain; charset=utf-8',
    body: '"ok"\n',
  });
  const posted = await answerOf(post(`${url}/healthcheck`, ''));
  assert.deepEqual([posted.status, posted.body], [405, '']);
});

test('V2 a stream rule is added, listed, shown and deleted, and loses one leading slash', async (t) => {
  const { url } = await startTestAgent(t);
  const rule = { stream: '/stream/front/large', feeds: ['video0', 'audio0'] };
  assert.deepEqual(await answerOf(post(`${url}/api/streams`, rule)), {
    status: 200,
    type: JSON_TYPE,
    body: '{"stream":"stream/front/large","feeds":["video0","audio0"]}',
  });
  assert.deepEqual(await answerOf(fetch(`${url}/api/streams/all`)), {
    status: 200,
    type: JSON_TYPE,
    body: '{"stream/front/large":["video0","audio0"]}',
  });
  assert.deepEqual(await answerOf(fetch(`${url}/api/streams/stream/front/large`)), {
    status: 200,
    type: JSON_TYPE,
    body: '["video0","audio0"]',
  });
  assert.deepEqual(await answerOf(fetch(`${url}/api/streams/stream/front/large`, { method: 'DELETE' })), {
    status: 200,
    type: JSON_TYPE,
    body: '"stream/front/large"',
  });
  assert.equal((await answerOf(fetch(`${url}/api/streams/all`))).body, '{}');
});

test('V2 a stream rule without fields is the zero rule', async (t) => {
  const { url } = await startTestAgent(t);
  const answer = await answerOf(post(`${url}/api/streams`, {}));
  assert.deepEqual([answer.status, answer.body], [200, '{"stream":"","feeds":null}']);
});

test('V3 a destination rule is added, listed, shown and deleted, with four fields in order', async (t) => {
  const { url } = await startTestAgent(t);
  const rule = { stream: '/stream/v', destination: 'ws://127.0.0.1:1/in/v', id: '0' };
  const stored = '{"id":"0","stream":"stream/v","destination":"ws://127.0.0.1:1/in/v","token":""}';
  assert.deepEqual(await answerOf(post(`${url}/api/destinations`, rule)), {
    status: 200,
    type: JSON_TYPE,
    body: stored,
  });
  assert.equal((await answerOf(fetch(`${url}/api/destinations/all`))).body, `{"0":${stored}}`);
  assert.equal((await answerOf(fetch(`${url}/api/destinations/0`))).body, stored);
  const deleted = await answerOf(fetch(`${url}/api/destinations/0`, { method: 'DELETE' }));
  assert.deepEqual([deleted.status, deleted.body], [200, '"0"']);
  assert.equal((await answerOf(fetch(`${url}/api/destinations/all`))).body, '{}');
});

test('V3 the fifth field of relay host is taken while it is empty, and refused in words when it is not', async (t) => {
  const { url } = await startTestAgent(t);
  const rule = { stream: 'v', destination: '', id: '5', token: 't', file: '' };
  assert.equal((await post(`${url}/api/destinations`, rule)).status, 200);
  const refused = await answerOf(post(`${url}/api/destinations`, { ...rule, file: '/etc/passwd' }));
  assert.equal(refused.status, 400);
  assert.match(refused.body, /`file` is not supported.*\n$/);
});

test('V3 an empty or bad destination address is stored all the same', async (t) => {
  const { url } = await startTestAgent(t);
  for (const [id, destination] of [
    ['a', ''],
    ['b', 'nonsense'],
    ['c', 'ws://user:word@host/'],
  ]) {
    assert.equal((await post(`${url}/api/destinations`, { id, destination, stream: 'v' })).status, 200);
    const shown = JSON.parse((await answerOf(fetch(`${url}/api/destinations/${id}`))).body);
    assert.equal(shown.destination, destination);
  }
});

test('V4 POST and PUT add rules, whatever the Content-Type; other verbs are 405 without a body', async (t) => {
  const { url } = await startTestAgent(t);
  for (const kind of ['streams', 'destinations']) {
    for (const method of ['POST', 'PUT']) {
      const response = await fetch(`${url}/api/${kind}`, {
        method,
        body: '{}',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      });
      assert.equal(response.status, 200, `${method} ${kind}`);
    }
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const answer = await answerOf(fetch(`${url}/api/${kind}`, { method }));
      assert.deepEqual([answer.status, answer.body], [405, ''], `${method} ${kind}`);
    }
  }
});

test('V5 an unknown stream is 404 in words, an unknown destination is the zero rule', async (t) => {
  const { url } = await startTestAgent(t);
  assert.deepEqual(await answerOf(fetch(`${url}/api/streams/nobody`)), {
    status: 404,
    type: 'text/plain; charset=utf-8',
    body: 'Stream not found\n',
  });
  assert.deepEqual(await answerOf(fetch(`${url}/api/destinations/nobody`)), {
    status: 200,
    type: JSON_TYPE,
    body: '{"id":"","stream":"","destination":"","token":""}',
  });
});

test('V6 deleting what is not there is a success', async (t) => {
  const { url } = await startTestAgent(t);
  for (const kind of ['streams', 'destinations']) {
    const answer = await answerOf(fetch(`${url}/api/${kind}/stream/no`, { method: 'DELETE' }));
    assert.deepEqual(answer, { status: 200, type: JSON_TYPE, body: '"stream/no"' });
  }
});

for (const all of ['all', 'deleteAll']) {
  test(`V7 DELETE ${all} deletes all streams and all destinations`, async (t) => {
    const { url } = await startTestAgent(t);
    await post(`${url}/api/streams`, { stream: 'stream/a', feeds: ['v'] });
    await post(`${url}/api/destinations`, { id: 'a', stream: 'v', destination: '' });
    for (const kind of ['streams', 'destinations']) {
      const answer = await answerOf(fetch(`${url}/api/${kind}/${all}`, { method: 'DELETE' }));
      assert.deepEqual([answer.status, answer.body], [200, '"deleteAll"']);
      assert.equal((await answerOf(fetch(`${url}/api/${kind}/all`))).body, '{}');
    }
  });
}

test('V7 rules named deleteAll are echoed and ignored', async (t) => {
  const { url } = await startTestAgent(t);
  assert.equal((await post(`${url}/api/streams`, { stream: 'deleteAll', feeds: [] })).status, 200);
  assert.equal((await post(`${url}/api/destinations`, { id: 'deleteAll' })).status, 200);
  assert.equal((await answerOf(fetch(`${url}/api/streams/all`))).body, '{}');
  assert.equal((await answerOf(fetch(`${url}/api/destinations/all`))).body, '{}');
});

test('names with dots, underscores and tildes can be created, read and deleted', async (t) => {
  const { url } = await startTestAgent(t);
  const name = 'stream/a_b.c~d-E/0';
  await post(`${url}/api/streams`, { stream: name, feeds: ['v_0'] });
  assert.equal((await answerOf(fetch(`${url}/api/streams/${name}`))).body, '["v_0"]');
  assert.equal((await answerOf(fetch(`${url}/api/streams/${name}`, { method: 'DELETE' }))).body, `"${name}"`);
  assert.deepEqual(await answerOf(fetch(`${url}/api/streams/a%20b`)), NOT_FOUND);
});

test('/api answers any verb with nothing, double slashes move, the rest is not found', async (t) => {
  const { url } = await startTestAgent(t);
  for (const method of ['GET', 'POST', 'DELETE']) {
    const answer = await answerOf(fetch(`${url}/api`, { method }));
    assert.deepEqual([answer.status, answer.body], [200, '']);
  }
  const moved = await fetch(`${url}/api//streams//all?x=1`, { redirect: 'manual' });
  assert.deepEqual([moved.status, moved.headers.get('location')], [301, '/api/streams/all?x=1']);
  for (const path of ['/nowhere', '/debug/pprof/', '/ts', '/ts/', '/ts/a%20b', '/api/streams/', '/ws/']) {
    assert.deepEqual(await answerOf(fetch(url + path)), NOT_FOUND, path);
  }
});

test('invalid JSON and wrong types are refused in words that name the mistake, and change nothing', async (t) => {
  const { url } = await startTestAgent(t);
  for (const [kind, body, words] of [
    ['streams', 'not json', /no JSON/],
    ['streams', '', /empty/],
    ['streams', '[1]', /a JSON object, not a list/],
    ['streams', '{"stream":1}', /`stream` must be a string, not 1/],
    ['streams', '{"feeds":"video0"}', /`feeds` must be a list/],
    ['streams', '{"feeds":["a b"]}', /`feeds\[0\]` may hold letters/],
    ['streams', '{"stream":"stream/x","feeds":["api"]}', /control channel/],
    ['destinations', '{"id":{}}', /`id` must be a string/],
    ['destinations', '{"id":"a","protocol":"x"}', /perch\.1/],
  ] as const) {
    const answer = await answerOf(post(`${url}/api/${kind}`, body));
    assert.equal(answer.status, 400, body);
    assert.match(answer.body, words);
    assert.equal((await answerOf(fetch(`${url}/api/${kind}/all`))).body, '{}');
  }
});

test('keys are matched whatever their case', async (t) => {
  const { url } = await startTestAgent(t);
  const answer = await answerOf(post(`${url}/api/streams`, '{"Stream":"stream/x","FEEDS":["a"]}'));
  assert.equal(answer.body, '{"stream":"stream/x","feeds":["a"]}');
});

test('V8 what is posted on /ts comes out of /ws byte for byte, and the end of the body is answered', async (t) => {
  const { url } = await startTestAgent(t);
  const viewer = await Client.connect(t, `${url}/ws/video0`);
  const sent = blob(300_000);
  const publisher = openPublisher(t, `${url}/ts/video0`);
  for (let at = 0; at < sent.length; at += 7_777) publisher.write(sent.subarray(at, at + 7_777));
  publisher.end();
  await viewer.untilBytes(sent.length);
  assert.ok(viewer.bytes.equals(sent));
  assert.equal(await publisher.answered, 204);
});

test('any verb posts media, and several publishers on one feed are heard message by message', async (t) => {
  const { url } = await startTestAgent(t);
  const viewer = await Client.connect(t, `${url}/ws/video0`);
  const one = openPublisher(t, `${url}/ts/video0`, 'PUT');
  const other = openPublisher(t, `${url}/ts/video0`, 'PATCH');
  for (let i = 1; i <= 10; i++) {
    one.write(packet(i));
    other.write(packet(100 + i));
    await viewer.untilBytes(376 * i);
  }
  const fills = viewer.messages.flatMap(({ data }) =>
    [...Array(data.length / 188).keys()].map((k) => data[k * 188 + 100]),
  );
  assert.deepEqual(
    fills.filter((fill) => (fill ?? 0) < 100),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.equal(fills.length, 20);
});

test('members of a feed hear each other and not themselves, text as text and binary as binary', async (t) => {
  const { url } = await startTestAgent(t);
  const [a, b] = [await Client.connect(t, `${url}/ws/data`), await Client.connect(t, `${url}/ws/data`)];
  a.socket.send('text');
  a.socket.send(Buffer.from([1, 2, 3]));
  b.socket.send('back');
  await Promise.all([b.until(() => b.messages.length === 2), a.until(() => a.messages.length === 1)]);
  assert.deepEqual(b.messages, [
    { data: Buffer.from('text'), binary: false },
    { data: Buffer.from([1, 2, 3]), binary: true },
  ]);
  assert.deepEqual(a.messages, [{ data: Buffer.from('back'), binary: false }]);
});

test('messages are never glued together, however fast they come', async (t) => {
  const { url } = await startTestAgent(t);
  const [a, b] = [await Client.connect(t, `${url}/ws/data`), await Client.connect(t, `${url}/ws/data`)];
  const sent = Array.from({ length: 500 }, (_, i) => `{"n":${i}}`);
  for (const text of sent) a.socket.send(text);
  await b.until(() => b.messages.length === sent.length);
  assert.deepEqual(b.texts, sent);
});

test('what a member of stream/x sends up reaches neither its feeds nor its other members', async (t) => {
  const { url } = await startTestAgent(t);
  await post(`${url}/api/streams`, { stream: 'stream/x', feeds: ['v'] });
  const up = await Client.connect(t, `${url}/ws/stream/x`);
  const beside = await Client.connect(t, `${url}/ws/stream/x`);
  const feed = await Client.connect(t, `${url}/ws/v`);
  up.socket.send('lost');
  const down = await Client.connect(t, `${url}/ws/v`);
  down.socket.send('heard');
  await Promise.all([feed, beside, up].map((client) => client.until(() => client.messages.length > 0)));
  for (const client of [feed, beside, up]) assert.deepEqual(client.texts, ['heard']);
});

test('plain GET on /ws is Bad Request, a bad name is not found, also as an upgrade', async (t) => {
  const { url } = await startTestAgent(t);
  assert.deepEqual(await answerOf(fetch(`${url}/ws/video0`)), {
    status: 400,
    type: 'text/plain; charset=utf-8',
    body: 'Bad Request\n',
  });
  for (const [path, status] of [
    ['/ws/a%20b', 404],
    ['/nowhere', 404],
    ['/ws//x', 301],
  ] as const) {
    const client = new Client(url + path);
    const [, response] = await once(client.socket, 'unexpected-response');
    assert.equal(response.statusCode, status, path);
    client.socket.terminate();
  }
});

test('/ts/api is refused', async (t) => {
  const { url } = await startTestAgent(t);
  const answer = await answerOf(post(`${url}/ts/api`, '{"verb":"healthcheck"}'));
  assert.equal(answer.status, 403);
  assert.match(answer.body, /control channel/);
});

test('V13 the control API answers each command as documented', async (t) => {
  const { url } = await startTestAgent(t);
  const control = await Client.connect(t, `${url}/ws/api`);
  const error = '{"error":"Unrecognised Command"}';
  const rule = { stream: 'video0', destination: 'wss://127.0.0.1:1/in/v', id: '0' };
  const stored = '{"id":"0","stream":"video0","destination":"wss://127.0.0.1:1/in/v","token":""}';
  const zero = '{"id":"","stream":"","destination":"","token":""}';
  const dialogue: [unknown, string | RegExp][] = [
    [{ verb: 'healthcheck' }, '{"healthcheck":"ok"}'],
    ['{"VERB":"healthcheck"}', '{"healthcheck":"ok"}'],
    ['not json', error],
    ['[]', error],
    [{ verb: 'HEALTHCHECK' }, error],
    [{ verb: 'jump', what: 'stream', which: 'x' }, error],
    [{ verb: 'list', what: 'nothing', which: 'x' }, error],
    [{ verb: 'list', what: 'stream' }, error],
    [{ verb: 'list', what: 'stream', which: '' }, error],
    [{ verb: 'add', what: 'stream' }, /"error":".*needs a `rule`/],
    [{ verb: 'add', what: 'destination', rule: null }, /"error"/],
    [{ verb: 'add', what: 'stream', rule: { feeds: 7 } }, /"error":"`feeds` must be a list/],
    [
      { verb: 'add', what: 'stream', rule: { stream: '/stream/v', feeds: ['video0', 'audio0'] } },
      '{"stream":"stream/v","feeds":["video0","audio0"]}',
    ],
    [{ verb: 'add', what: 'destination', rule }, stored],
    [{ verb: 'list', what: 'stream', which: 'stream/v' }, '{"feeds":["video0","audio0"]}'],
    [{ verb: 'list', what: 'stream', which: 'unknown' }, '{"feeds":null}'],
    [{ verb: 'list', what: 'stream', which: 'all' }, '{"stream/v":["video0","audio0"]}'],
    [{ verb: 'list', what: 'destination', which: '0' }, stored],
    [{ verb: 'list', what: 'destination', which: 'unknown' }, zero],
    [{ verb: 'list', what: 'destination', which: 'all' }, `{"0":${stored}}`],
    [{ verb: 'delete', what: 'destination', which: 'apiRule' }, /^\{"error":"cannot delete apiRule"\}$/i],
    [{ verb: 'delete', what: 'stream', which: 'stream/v' }, '{"deleted":"stream/v"}'],
    [{ verb: 'delete', what: 'destination', which: '0' }, '{"deleted":"0"}'],
    [{ verb: 'delete', what: 'stream', which: 'all' }, '{"deleted":"deleteAll"}'],
    [{ verb: 'delete', what: 'destination', which: 'all' }, '{"deleted":"deleteAll"}'],
    [{ verb: 'list', what: 'destination', which: 'all' }, '{}'],
  ];
  for (const [i, [command, expected]] of dialogue.entries()) {
    control.socket.send(typeof command === 'string' ? command : JSON.stringify(command), {
      binary: i % 2 === 1,
    });
    await control.until(() => control.messages.length > i);
    const reply = control.messages[i];
    assert.equal(reply?.binary, false);
    const text = reply?.data.toString() ?? '';
    if (typeof expected === 'string') assert.equal(text, expected, JSON.stringify(command));
    else assert.match(text, expected, JSON.stringify(command));
  }
});

test('V13 control members see each other, and a destination for `api` cannot be set over the channel', async (t) => {
  const { url } = await startTestAgent(t);
  const [a, b] = [await Client.connect(t, `${url}/ws/api`), await Client.connect(t, `${url}/ws/api`)];
  const rule = { id: 'spy', stream: 'api', destination: 'ws://127.0.0.1:1/' };
  a.socket.send(JSON.stringify({ verb: 'add', what: 'destination', rule }));
  await b.until(() => b.messages.length === 2);
  assert.match(b.texts[1] ?? '', /"error":".*VW_API/);
  assert.equal((await answerOf(fetch(`${url}/api/destinations/all`))).body, '{}');
  assert.equal((await post(`${url}/api/destinations`, rule)).status, 200, 'on the device itself it can');
});

test('V13 another agent on the same topic is not quarrelled with', async (t) => {
  const { url } = await startTestAgent(t);
  const other = await Client.connect(t, `${url}/ws/api`);
  other.socket.send('{"error":"Unrecognised Command"}');
  other.socket.send('{"verb":"healthcheck"}');
  await other.until(() => other.messages.length > 0);
  assert.deepEqual(other.texts, ['{"healthcheck":"ok"}']);
});

test('V14 the rule that VW_API makes survives delete all, by either API, and stays connected', async (t) => {
  const far = await FarEnd.open(t);
  const { url } = await startTestAgent(t, { vwApi: `${far.url}/bi/control` });
  const controller = await far.arrival(0);
  controller.socket.send('{"verb":"delete","what":"destination","which":"all"}');
  await controller.until(() => controller.messages.length > 0);
  assert.equal(controller.messages[0]?.data.toString(), '{"deleted":"deleteAll"}');
  await fetch(`${url}/api/destinations/all`, { method: 'DELETE' });
  const refused = await fetch(`${url}/api/destinations/apiRule`, { method: 'DELETE' });
  assert.equal(refused.status, 409);
  const apiRule = { id: 'apiRule', stream: 'api', destination: `${far.url}/bi/control`, token: '' };
  assert.deepEqual(await (await fetch(`${url}/api/destinations/all`)).json(), { apiRule });
  assert.equal(far.arrivals.length, 1);
});

test('V15 the subprotocol null is echoed, an unknown one is not', async (t) => {
  const { url } = await startTestAgent(t);
  const client = await Client.connect(t, `${url}/ws/video0`, ['null']);
  assert.equal(client.socket.protocol, 'null');
  const strange = new Client(`${url}/ws/video0`, ['strange']);
  const [error] = await once(strange.socket, 'error');
  assert.match(String(error), /no subprotocol/i);
});

test('V16 a message of 10 MiB passes, a larger one closes with 1009', async (t) => {
  const { url } = await startTestAgent(t);
  const [a, b] = [await Client.connect(t, `${url}/ws/big`), await Client.connect(t, `${url}/ws/big`)];
  const largest = Buffer.alloc(10 * 1024 * 1024, 7);
  a.socket.send(largest);
  await b.until(() => b.messages.length === 1);
  assert.ok(b.messages[0]?.data.equals(largest));
  a.socket.send(Buffer.alloc(10 * 1024 * 1024 + 1));
  assert.equal(await a.closed, 1009);
  assert.equal(b.socket.readyState, b.socket.OPEN);
});

test('an offer to go on in HTTP/2 is not taken up, and the request answered', async (t) => {
  const { port } = await startTestAgent(t);
  const headers = { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': '' };
  const [response] = await once(httpRequest({ port, path: '/healthcheck', headers }).end(), 'response');
  assert.equal(response.statusCode, 200);
  response.resume();
});

test('what is no HTTP is answered in HTTP, and disturbs nobody', async (t) => {
  const { url, port } = await startTestAgent(t);
  const socket = connect(port, '127.0.0.1');
  socket.write('\x16\x03\x01 this is no HTTP\r\n\r\n');
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 400 /);
  socket.destroy();
  assert.equal((await fetch(`${url}/healthcheck`)).status, 200);
});

test('a body of rules over 1 MiB is refused', async (t) => {
  const { url } = await startTestAgent(t);
  const request = httpRequest(`${url}/api/streams`, { method: 'POST' });
  request.on('error', () => {
    // the agent may close while we still write
  });
  const answered = once(request, 'response');
  request.write(Buffer.alloc(2 * 1024 * 1024, 0x20));
  const [response] = await answered;
  assert.equal(response.statusCode, 413);
  request.destroy();
});
