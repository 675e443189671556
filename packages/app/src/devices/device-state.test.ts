import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeDeviceNews, destinationWords, relayOf, topicOf, topicsOf } from './device-state.ts';

const news = decodeDeviceNews({
  online: true,
  at: '2026-11-21T10:00:00.000Z',
  state: {
    feeds: [
      {
        feed: 'camera',
        publishers: 1,
        bitRate: 1e6,
        tracks: [{ class: 'video', codec: 'h264' }],
        oddities: [],
      },
      { feed: 'api' },
      { feed: 'stream/front' },
    ],
    streams: [{ stream: 'stream/front', feeds: ['camera'], alternatives: null, takers: 1 }],
    destinations: [
      {
        id: 'up',
        stream: 'stream/front',
        destination: 'wss://relay.example/in/kitchen-x7k2/stream/front?…',
        state: 'open',
        dropped: { messages: 3 },
        viewers: null,
      },
      { id: 'other', stream: 'camera', destination: 'wss://other.example/in/elsewhere', state: 'waiting' },
    ],
  },
});

test('what a device tells is read; the control channel is no feed, and a stream is no feed', () => {
  assert.ok(news.state);
  assert.equal(news.online, true);
  assert.deepEqual(
    news.state.feeds.map(({ feed }) => feed),
    ['camera'],
  );
  assert.equal(news.state.streams[0]?.hasAlternatives, false);
  assert.equal(news.state.destinations[0]?.droppedMessages, 3);
  assert.equal(news.state.destinations[0]?.viewers, undefined);
});

test('before a device has told anything there is no state', () => {
  assert.deepEqual(decodeDeviceNews({ online: false, at: null, state: null }), {
    online: false,
    at: undefined,
    state: undefined,
  });
});

test('a stream can be seen on the topic that it is sent to, where that is of this device', () => {
  assert.ok(news.state);
  assert.deepEqual(
    [...topicsOf(news.state, 'kitchen-x7k2')],
    [['stream/front', 'kitchen-x7k2/stream/front']],
  );
  assert.equal(
    topicOf({ id: 'up', address: 'wss://relay.example/in/kitchen-x7k2-other/camera' }, 'kitchen-x7k2'),
    undefined,
  );
  assert.equal(topicOf({ id: 'up', address: 'no address' }, 'kitchen-x7k2'), undefined);
});

test('a destination that waits says for how long', () => {
  const [open, waiting] = news.state?.destinations ?? [];
  assert.ok(open && waiting);
  assert.equal(destinationWords(open), 'Connected');
  assert.equal(destinationWords({ ...waiting, nextTryInMs: 2_300 }), 'Next try in 3 s');
});

test('a feed is sent to this relay where the device reaches it, which may be another name than that of the page', () => {
  assert.ok(news.state);
  assert.equal(relayOf(news.state, 'kitchen-x7k2', 'https://page.example'), 'https://page.example');
  const [first] = news.state.destinations;
  assert.ok(first);
  const shared = { ...first, id: 'shared/camera', address: 'https://inner:8443/session/kitchen-x7k2/camera' };
  const state = { ...news.state, destinations: [shared] };
  assert.equal(relayOf(state, 'kitchen-x7k2', 'https://page.example'), 'https://inner:8443');
});

test('what the device of perch up shares keeps its flat name', () => {
  const shared = { id: 'shared/demo', address: 'http://127.0.0.1:8080/session/demo?…' };
  assert.equal(topicOf(shared, 'this-machine-a1b2'), 'demo');
  assert.equal(topicOf({ ...shared, id: 'by a rule' }, 'this-machine-a1b2'), undefined);
});
