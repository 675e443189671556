import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LogOptions, makeLogger } from './log.ts';

function lines(options: Partial<LogOptions> = {}) {
  const written: string[] = [];
  const logger = makeLogger({
    level: 'info',
    json: false,
    write: (line) => written.push(line),
    now: () => 0,
    ...options,
  });
  return { written, logger };
}

test('text is one line an event, with its context', () => {
  const { written, logger } = lines();
  logger.child({ part: 'relay' }).info('it listens', { url: 'http://127.0.0.1:1', note: 'two words' });
  assert.deepEqual(written, [
    '00:00:00 info  it listens part=relay url=http://127.0.0.1:1 note="two words"\n',
  ]);
});

test('what a peer sent cannot forge a line', () => {
  const { written, logger } = lines();
  logger.warn('odd', { agent: 'x\n00:00:00 info  all is well' });
  assert.equal(written.length, 1);
  assert.equal(written[0]?.trimEnd().includes('\n'), false);
});

test('JSON has time, level and message first', () => {
  const { written, logger } = lines({ json: true });
  logger.error('broken', { error: new Error('why'), n: 1 });
  assert.deepEqual(JSON.parse(written[0] ?? ''), {
    time: '1970-01-01T00:00:00.000Z',
    level: 'error',
    message: 'broken',
    error: 'why',
    n: 1,
  });
});

test('less than the level is not said', () => {
  const { written, logger } = lines({ level: 'warn' });
  logger.info('no');
  logger.debug('no');
  logger.warn('yes');
  assert.equal(written.length, 1);
});

test('secrets are not written, in whatever field they hide', () => {
  const { written, logger } = lines({ json: true });
  logger.info('x', {
    token: 'hunter2hunter2hunter2',
    url: 'wss://user:hunter2hunter2hunter2@relay/session/x?code=hunter2hunter2hunter2',
    link: 'http://localhost:1/#hunter2hunter2hunter2',
    error: new Error('GET /?token=hunter2hunter2hunter2 failed'),
  });
  assert.doesNotMatch(written.join(), /hunter2/);
});
