import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { EventWriter } from './capture-events.ts';

it('who reads events too slowly misses some, and is told so when he reads again', async () => {
  const events = new PassThrough();
  const writer = new EventWriter(events);
  const text = `event: capture\ndata: ${'x'.repeat(1_000)}\n\n`;
  for (let i = 0; i < 10_000; i++) writer.write(text);
  assert.ok(events.writableLength + events.readableLength < 100_000, 'what nobody reads is not kept');
  let heard = '';
  events.on('data', (data: Buffer) => {
    heard += data;
  });
  while (events.readableLength + events.writableLength > 0)
    await new Promise((resolve) => setImmediate(resolve));
  writer.write(':\n\n');
  while (!heard.endsWith(':\n\n')) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(heard.match(/event: again/g)?.length, 1);
  assert.ok(heard.indexOf('event: again') > heard.indexOf('event: capture'));
});
