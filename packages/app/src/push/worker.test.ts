import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type PushWorld, showPushes } from './worker.ts';

interface Shown {
  readonly title: string;
  readonly tag: string;
  readonly image: string | undefined;
  readonly silent: boolean;
}

/** A service worker's world, with what it shows, and a relay that has a film's picture from the n-th question on. */
function world(t: TestContext, { pictureAt = 1, pages = 0 } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const shown: Shown[] = [];
  const went: string[] = [];
  let open = true;
  let asked = 0;
  t.mock.method(globalThis, 'fetch', async (path: string) => {
    assert.equal(path, '/api/v1/captures/f1/thumbnail.jpg');
    return ++asked >= pictureAt ? new Response('jpeg') : new Response(null, { status: 404 });
  });
  const listeners = new Map<string, (event: never) => void>();
  const page = {
    focus: async () => undefined,
    postMessage: ({ goTo }: { goTo: string }) => went.push(`page ${goTo}`),
  };
  showPushes({
    addEventListener: (type: string, listener: (event: never) => void) => void listeners.set(type, listener),
    registration: {
      showNotification: async (title: string, options: Omit<Shown, 'title'>) => {
        const { tag, image, silent } = options;
        shown.push({ title, tag, image, silent });
      },
      getNotifications: async () => (open ? [{}] : []),
    },
    clients: {
      matchAll: async () => Array.from({ length: pages }, () => page),
      openWindow: async (url: string) => went.push(`new ${url}`),
    },
  } as unknown as PushWorld);
  const tell = (type: string, event: object): Promise<unknown> => {
    let work: Promise<unknown> = Promise.resolve();
    const waitUntil = (promise: Promise<unknown>) => {
      work = promise;
    };
    listeners.get(type)?.({ ...event, waitUntil } as never);
    return work;
  };
  return {
    shown,
    went,
    push: (value: unknown) => tell('push', { data: { json: () => value } }),
    pushNothing: () => tell('push', { data: null }),
    tap: (place: string) =>
      tell('notificationclick', { notification: { close: () => undefined, data: { place } } }),
    putAway: () => {
      open = false;
    },
    /** Lets what waits go on, pause by pause. */
    pass: async () => {
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
      t.mock.timers.tick(12_000);
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const film = {
  what: 'alarm',
  tag: 'f1',
  name: 'Porch',
  device: 'porch',
  capture: 'f1',
  at: 1_795_000_000_000,
};

test('a push is shown with the film’s picture', async (t) => {
  const { shown, push } = world(t);
  await push(film);
  const image = `data:image/jpeg;base64,${btoa('jpeg')}`;
  assert.deepEqual(shown, [{ title: 'Alarm: Porch', tag: 'f1', image, silent: false }]);
});

test('an alarm does not wait for its picture: it gets it later, without a sound', async (t) => {
  const { shown, push, pass } = world(t, { pictureAt: 3 });
  const done = push(film);
  for (let i = 0; i < 3; i++) await pass();
  await done;
  assert.deepEqual(
    shown.map(({ image, silent }) => [image !== undefined, silent]),
    [
      [false, false],
      [true, true],
    ],
  );
});

test('one that somebody has put away does not come back', async (t) => {
  const { shown, push, pass, putAway } = world(t, { pictureAt: 3 });
  const done = push(film);
  await pass();
  putAway();
  for (let i = 0; i < 3; i++) await pass();
  await done;
  assert.equal(shown.length, 1);
});

test('whatever comes is shown, also what nobody understands', async (t) => {
  const { shown, push, pushNothing } = world(t);
  await pushNothing();
  await push('?');
  assert.deepEqual(
    shown.map(({ title }) => title),
    ['Something happened', 'Something happened'],
  );
});

test('a tap goes to the film, in a page that is open, else in a new one', async (t) => {
  const closed = world(t);
  await closed.tap('#/captures/f1');
  assert.deepEqual(closed.went, ['new /#/captures/f1']);
  t.mock.reset();
  const open = world(t, { pages: 2 });
  await open.tap('#/captures/f1');
  assert.deepEqual(open.went, ['page #/captures/f1']);
});
