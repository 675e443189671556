import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Emitter } from './events.ts';

test('a listener hears until its handle is disposed', () => {
  const emitter = new Emitter<{ news: number }>();
  const heard: number[] = [];
  const handle = emitter.on('news', (n) => heard.push(n));
  emitter.emit('news', 1);
  handle[Symbol.dispose]();
  emitter.emit('news', 2);
  assert.deepEqual(heard, [1]);
  assert.equal(emitter.size, 0);
});

test('once resolves with the next event and leaves no listener', async () => {
  const emitter = new Emitter<{ news: number }>();
  const next = emitter.once('news');
  emitter.emit('news', 3);
  assert.equal(await next, 3);
  assert.equal(emitter.size, 0);
});

test('the same function may listen twice', () => {
  const emitter = new Emitter<{ news: number }>();
  let n = 0;
  const listener = () => n++;
  emitter.on('news', listener);
  emitter.on('news', listener);
  emitter.emit('news', 0);
  assert.equal(n, 2);
});
