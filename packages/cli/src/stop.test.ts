import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stop } from './stop.ts';

test('the first signal asks, its echo is the same one, a later one forces', async () => {
  let now = 0;
  let forced = 0;
  const listeners = process.listenerCount('SIGTERM');
  {
    using stop = new Stop({ now: () => now, force: () => forced++ });
    process.emit('SIGTERM');
    assert.equal(await stop.asked, 'SIGTERM');
    // npm hands on what the terminal has sent to all already.
    now = 100;
    process.emit('SIGTERM');
    assert.equal(forced, 0);
    now = 1_000;
    process.emit('SIGINT');
    assert.equal(forced, 1);
  }
  assert.equal(process.listenerCount('SIGTERM'), listeners);
});
