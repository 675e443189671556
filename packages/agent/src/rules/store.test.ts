import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@perch/protocol';
import { RuleError } from './errors.ts';
import { noRules, type RuleFile, type RuleSet } from './file.ts';
import { RuleStore } from './store.ts';

/** A file whose writes end when the test says so. */
class HeldFile implements RuleFile {
  readonly saved: RuleSet[] = [];
  readonly writes: { rules: RuleSet; finish: (error?: Error) => void }[] = [];

  load(): Promise<RuleSet> {
    return Promise.resolve(this.saved.at(-1) ?? noRules);
  }

  save(rules: RuleSet): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error?: Error) => {
        if (error) return reject(error);
        this.saved.push(rules);
        resolve();
      };
      this.writes.push({ rules, finish });
    });
  }
}

const destination = (id: string, stream = 'v') => ({ id, stream, destination: '', token: '' });
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('a rule holds, and is answered, only once it is on disk', async () => {
  const file = new HeldFile();
  const store = new RuleStore({ file });
  let isAnswered = false;
  const put = store.putStream({ stream: 'stream/x', feeds: ['v'] }).then(() => {
    isAnswered = true;
  });
  await settle();
  assert.deepEqual([isAnswered, store.current.streams.size], [false, 0]);
  file.writes[0]?.finish();
  await put;
  assert.equal(store.current.streams.size, 1);
});

test('changes asked for during a write share the next one', async () => {
  const file = new HeldFile();
  const store = new RuleStore({ file });
  const puts = Array.from({ length: 100 }, (_, i) => store.putDestination(destination(`${i}`), 'local'));
  await settle();
  file.writes[0]?.finish();
  await settle();
  file.writes[1]?.finish();
  await Promise.all(puts);
  assert.equal(file.writes.length, 2);
  assert.deepEqual([file.writes[0]?.rules.destinations.size, store.current.destinations.size], [1, 100]);
});

test('a failed write is told to those whose changes were in it; memory is not ahead of disk, the next write works', async () => {
  const file = new HeldFile();
  const store = new RuleStore({ file });
  const failed = store.putDestination(destination('lost'), 'local');
  await settle();
  const next = store.putDestination(destination('kept'), 'local');
  file.writes[0]?.finish(new RuleError('not-saved', 'no space'));
  await assert.rejects(failed, { code: 'not-saved' });
  await settle();
  file.writes[1]?.finish();
  await next;
  assert.deepEqual([...store.current.destinations.keys()], ['kept']);
  assert.deepEqual([...(file.saved[0]?.destinations.keys() ?? [])], ['kept']);
});

test('listeners hear of rules after they are on disk, once for each write', async () => {
  const file = new HeldFile();
  const store = new RuleStore({ file });
  const heard: number[] = [];
  store.events.on('changed', ({ streams }) => heard.push(streams.size));
  const puts = ['a', 'b', 'c'].map((stream) => store.putStream({ stream, feeds: [] }));
  await settle();
  file.writes[0]?.finish();
  await settle();
  file.writes[1]?.finish();
  await Promise.all(puts);
  assert.deepEqual(heard, [1, 3]);
});

test('given rules are shown, never written, and cannot be replaced or deleted, not even with all', async () => {
  const file = new HeldFile();
  const store = new RuleStore({ file, given: [destination('demo')] });
  await assert.rejects(store.putDestination(destination('demo'), 'local'), { code: 'read-only' });
  await assert.rejects(store.deleteDestination('demo'), { code: 'read-only' });
  const all = store.deleteDestination('all');
  await settle();
  file.writes[0]?.finish();
  await all;
  assert.deepEqual([...store.current.destinations.keys()], ['demo']);
  assert.equal(file.saved[0]?.destinations.size, 0);
});

test('over the network nobody points the control channel elsewhere', async () => {
  const store = new RuleStore({ file: new HeldFile() });
  await assert.rejects(store.putDestination(destination('spy', 'api'), 'network'), { code: 'api-is-local' });
});

test('there are only so many rules, and replacing one is still possible', async () => {
  const file: RuleFile = { load: () => Promise.resolve(noRules), save: () => Promise.resolve() };
  const store = new RuleStore({ file });
  await Promise.all(
    Array.from({ length: limits.rules }, (_, i) => store.putStream({ stream: `s${i}`, feeds: [] })),
  );
  await assert.rejects(store.putStream({ stream: 'one-more', feeds: [] }), { code: 'too-many' });
  await store.putStream({ stream: 's0', feeds: ['v'] });
  assert.deepEqual(store.current.streams.get('s0')?.feeds, ['v']);
});

test('a stream of streams is refused before anything is written', async () => {
  const file = new HeldFile();
  const store = new RuleStore({ file });
  await assert.rejects(store.putStream({ stream: 'stream/x', feeds: ['stream/x'] }), { code: 'bad-rule' });
  assert.equal(file.writes.length, 0);
});

test('feed rules are kept beside the others', async () => {
  const file: RuleFile = { load: () => Promise.resolve(noRules), save: () => Promise.resolve() };
  const store = new RuleStore({ file });
  await store.putFeed({ feed: 'a', delayMs: 20 });
  await store.putStream({ stream: 'stream/x', feeds: ['a'] });
  assert.equal(store.current.feeds.get('a')?.delayMs, 20);
  await store.deleteFeed('a');
  assert.deepEqual([store.current.feeds.size, store.current.streams.size], [0, 1]);
});

test('drain waits for what is being written', async () => {
  const file = new HeldFile();
  const store = new RuleStore({ file });
  const put = store.putStream({ stream: 'a', feeds: [] });
  await settle();
  let isDrained = false;
  const drained = store.drain().then(() => {
    isDrained = true;
  });
  await settle();
  assert.equal(isDrained, false);
  file.writes[0]?.finish();
  await Promise.all([put, drained]);
});
