import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearerProtocol, bearerToken } from './index.ts';

test('a token is found again among the subprotocols, wherever it stands', () => {
  for (const token of ['abc-DEF_123', 'header.payload.signature', '~!x']) {
    const bearer = bearerProtocol(token);
    for (const offered of [bearer, `perch.1, ${bearer}`, `perch.1,${bearer} , null`]) {
      assert.equal(bearerToken(offered), token, offered);
    }
  }
});

test('where there is none, none is found', () => {
  for (const offered of [
    undefined,
    '',
    'perch.1',
    'bearer.',
    'bearer',
    'null, bearer. ,perch.1',
    'xbearer.abc',
  ]) {
    assert.equal(bearerToken(offered), undefined, offered);
  }
});

test('a token that would break the handshake is refused, and not repeated', () => {
  for (const token of ['', 'a b', 'a,b', 'a\r\nb', 'ä', 'a"b', 'a/b']) {
    assert.throws(
      () => bearerProtocol(token),
      (error: Error) => error instanceof TypeError && (token === '' || !error.message.includes(token)),
    );
  }
});
