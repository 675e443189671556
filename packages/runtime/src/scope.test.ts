import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scope } from './scope.ts';

test('what was opened last is closed first, one after the other', async () => {
  const order: string[] = [];
  const scope = new Scope();
  scope.onClose(() => order.push('first'));
  scope.onClose(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    order.push('second');
  });
  scope.own({ close: () => void order.push('third') });
  await scope.close();
  assert.deepEqual(order, ['third', 'second', 'first']);
});

test('a failure does not keep the others open, and is reported', async () => {
  let closed = false;
  const scope = new Scope();
  scope.onClose(() => {
    closed = true;
  });
  scope.onClose(() => {
    throw new Error('stuck');
  });
  await assert.rejects(scope.close(), (error: AggregateError) => error.errors[0].message === 'stuck');
  assert.equal(closed, true);
});

test('closing twice closes once', async () => {
  let times = 0;
  const scope = new Scope();
  scope.onClose(() => times++);
  await Promise.all([scope.close(), scope.close()]);
  assert.equal(times, 1);
});

test('what is opened while closing is closed too', async () => {
  let closed = false;
  const scope = new Scope();
  scope.onClose(() => {
    scope.onClose(() => {
      closed = true;
    });
  });
  await scope.close();
  await scope.close();
  assert.equal(closed, true);
});

test('the signal is aborted before anything is closed', async () => {
  const scope = new Scope();
  let aborted: boolean | undefined;
  scope.onClose(() => {
    aborted = scope.signal.aborted;
  });
  await scope.close();
  assert.equal(aborted, true);
});
