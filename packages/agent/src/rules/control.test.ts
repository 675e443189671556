import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ControlChannel } from './control.ts';
import { RuleError } from './errors.ts';
import { noRules, type RuleFile } from './file.ts';
import { RuleStore } from './store.ts';

function setUp(file: RuleFile = { load: async () => noRules, save: async () => undefined }) {
  const store = new RuleStore({ file });
  const replies: string[] = [];
  const channel = new ControlChannel({ store, reply: (text) => replies.push(text) });
  return { store, replies, channel };
}

test('answers come in the order of the questions, though some need the disk', async () => {
  const { channel, replies } = setUp();
  channel.take('{"verb":"add","what":"stream","rule":{"stream":"stream/a","feeds":["v"]}}');
  channel.take('{"verb":"list","what":"stream","which":"all"}');
  channel.take('{"verb":"healthcheck"}');
  await channel.drain();
  assert.deepEqual(replies, [
    '{"stream":"stream/a","feeds":["v"]}',
    '{"stream/a":["v"]}',
    '{"healthcheck":"ok"}',
  ]);
});

test('a rule that cannot be saved is an answer, and the channel goes on', async () => {
  const { channel, replies } = setUp({
    load: async () => noRules,
    save: () => Promise.reject(new RuleError('not-saved', 'no space left')),
  });
  channel.take('{"verb":"delete","what":"stream","which":"a"}');
  channel.take('{"verb":"healthcheck"}');
  await channel.drain();
  assert.deepEqual(replies, ['{"error":"no space left"}', '{"healthcheck":"ok"}']);
});

test('more commands at once than can wait are answered busy', async () => {
  const { channel, replies } = setUp();
  for (let i = 0; i < 300; i++) channel.take('{"verb":"healthcheck"}');
  await channel.drain();
  assert.equal(replies.length, 300);
  assert.equal(replies.filter((reply) => reply.includes('busy')).length, 300 - 256);
});

test('a message that carries an error is nobody’s command', async () => {
  const { channel, replies } = setUp();
  channel.take('{"error":"Unrecognised Command"}');
  await channel.drain();
  assert.deepEqual(replies, []);
});
