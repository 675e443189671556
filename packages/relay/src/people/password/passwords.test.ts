import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HashRequest } from './hash-messages.ts';
import { type Hashing, HashProcess } from './hasher.ts';
import { Passwords } from './passwords.ts';

/** Answers when it is told to. */
class SlowHashing implements Hashing {
  readonly asked: { readonly request: HashRequest; answer(): void }[] = [];
  running = 0;
  mostRunning = 0;
  isGone = false;

  async hash(request: HashRequest): Promise<string> {
    this.running++;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.asked.push({ request, answer: resolve });
    await promise;
    this.running--;
    return Buffer.alloc(32, request.password + request.salt).toString('base64');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isGone = true;
    for (const { answer } of this.asked) answer();
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const cheap = { cost: 10, blockSize: 8, parallel: 1 };

test('a password is right by its hash only, made in another process', async () => {
  await using passwords = new Passwords({ hashing: new HashProcess(), cost: cheap });
  const kept = await passwords.keep('correct horse');
  assert.match(kept, /^scrypt\$10\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
  assert.ok(!kept.includes('correct'));
  assert.notEqual(await passwords.keep('correct horse'), kept, 'each has a salt of its own');
  assert.equal(await passwords.check('correct horse', kept), 'right');
  assert.equal(await passwords.check('correct horse ', kept), 'wrong');
  assert.equal(await passwords.check('correct horse', undefined), 'wrong');
  assert.equal(await passwords.check('correct horse', 'scrypt$30$8$1$x$y'), 'wrong');
  assert.equal(await passwords.check('e\u0301', await passwords.keep('\u00e9')), 'right', 'typed otherwise');
});

test('the usual hash takes N = 2^17, r = 8, p = 1', async () => {
  await using passwords = new Passwords({ hashing: new HashProcess() });
  const kept = await passwords.keep('correct horse');
  assert.match(kept, /^scrypt\$17\$8\$1\$/);
  assert.equal(await passwords.check('correct horse', kept), 'right');
});

test('one is hashed at a time, 32 wait, and who comes then is turned away', async () => {
  const hashing = new SlowHashing();
  await using passwords = new Passwords({ hashing });
  const attempts = Array.from({ length: 33 }, (_, i) => passwords.check(`attempt ${i}`, undefined));
  await settled();
  assert.equal(hashing.asked.length, 1);
  assert.equal(await passwords.check('one more', undefined), 'busy');
  assert.equal(await passwords.keep('one more'), 'busy');
  for (let i = 0; i < attempts.length; i++) {
    hashing.asked[i]?.answer();
    assert.equal(await attempts[i], 'wrong');
    await settled();
  }
  assert.equal(hashing.mostRunning, 1);
  const next = passwords.check('again', undefined);
  await settled();
  hashing.asked.at(-1)?.answer();
  assert.equal(await next, 'wrong', 'there is room again');
});

test('a name without a password takes the same work as one with', async () => {
  const hashing = new SlowHashing();
  await using passwords = new Passwords({ hashing });
  const work = async (act: () => Promise<unknown>) => {
    const done = act();
    await settled();
    const last = hashing.asked.at(-1);
    last?.answer();
    await done;
    const { password, salt, ...cost } = last?.request ?? assert.fail('nothing was hashed');
    return { ...cost, password, saltBytes: Buffer.from(salt, 'base64').length };
  };
  let kept = '';
  await work(async () => {
    kept = await passwords.keep('correct horse');
  });
  assert.deepEqual(
    await work(() => passwords.check('guess', undefined)),
    await work(() => passwords.check('guess', kept)),
  );
});

test('who waits when the relay stops is turned away', async () => {
  const hashing = new SlowHashing();
  const passwords = new Passwords({ hashing });
  const attempt = passwords.check('guess', undefined);
  const waiting = passwords.check('guess', undefined);
  await settled();
  await passwords[Symbol.asyncDispose]();
  assert.ok(hashing.isGone);
  assert.equal(await passwords.check('late', undefined), 'busy');
  assert.deepEqual(await Promise.all([attempt, waiting]), ['wrong', 'busy']);
  assert.equal(hashing.asked.length, 1, 'nothing begins any more');
});

test('a process that died is started again', async () => {
  const hashing = new HashProcess();
  await using passwords = new Passwords({ hashing, cost: cheap });
  const kept = await passwords.keep('correct horse');
  const dying = passwords.keep('other');
  await settled();
  await hashing[Symbol.asyncDispose]();
  await dying.catch((error: Error) => assert.match(error.message, /died/));
  assert.equal(await passwords.check('correct horse', kept), 'right');
});
