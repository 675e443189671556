import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSession } from './session.ts';
import type { FetchLike } from './socket.ts';

const answering =
  (status: number, body: string): FetchLike =>
  async () =>
    ({ status, text: async () => body }) as Awaited<ReturnType<FetchLike>>;

const url = 'https://relay.example/session/lab';

for (const [what, body, words] of [
  ['the message of a JSON answer', '{"code":401,"message":"a sign-in is needed"}', ': a sign-in is needed'],
  ['a text as it is', 'Bad Request\n', ': Bad Request'],
  ['JSON that has no message as it is', '["no"]', ': ["no"]'],
  ['nothing where there is nothing', '', ''],
] as const) {
  test(`a refusal is told with ${what}`, async () => {
    await assert.rejects(openSession({ url, fetch: answering(401, body) }), {
      code: 'session-refused',
      message: `the relay refused with 401${words}`,
    });
  });
}

test('what a refusal says is cut where it is long', async () => {
  const long = JSON.stringify({ message: 'x'.repeat(5_000) });
  await assert.rejects(openSession({ url, fetch: answering(500, long) }), ({ message }: Error) => {
    return message.length < 300;
  });
});
