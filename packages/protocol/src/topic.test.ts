import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTopicName, matchesTopic, parseTopicPath } from './topic.ts';

test('in, out and session name the same topic, bi another', () => {
  assert.deepEqual(parseTopicPath('/in/lab/cam'), { kind: 'in', topic: 'lab/cam' });
  assert.deepEqual(parseTopicPath('/out/lab/cam/'), { kind: 'out', topic: 'lab/cam' });
  assert.deepEqual(parseTopicPath('/session/lab%2Fcam'), { kind: 'session', topic: 'lab/cam' });
  assert.deepEqual(parseTopicPath('/bi/lab'), { kind: 'bi', topic: 'bi/lab' });
});

test('other paths name no topic', () => {
  for (const path of [
    '/',
    '/in',
    '/in/',
    '/stats',
    '/inside/x',
    '/in/../x',
    '/in/%00',
    '/in/%zz',
    '/in/a//b',
  ]) {
    assert.equal(parseTopicPath(path), undefined, path);
  }
});

test('a topic name is bounded and plain', () => {
  assert.equal(isTopicName('a'.repeat(256)), true);
  assert.equal(isTopicName('a'.repeat(257)), false);
  assert.equal(isTopicName('a b'), false);
  assert.equal(isTopicName('a/./b'), false);
});

test('a star stops at a slash, two stars do not', () => {
  assert.equal(matchesTopic('lab/*', 'lab/cam'), true);
  assert.equal(matchesTopic('lab/*', 'lab/cam/large'), false);
  assert.equal(matchesTopic('lab/**', 'lab/cam/large'), true);
  assert.equal(matchesTopic('**', 'anything/at/all'), true);
  assert.equal(matchesTopic('lab/*/x', 'lab/cam/x'), true);
  assert.equal(matchesTopic('video0', 'video01'), false);
  assert.equal(matchesTopic('', 'x'), false);
});

test('a glob is literal but for its stars', () => {
  assert.equal(matchesTopic('a.c', 'abc'), false);
  assert.equal(matchesTopic('a.*', 'a.b'), true);
});

test('a hostile glob ends', () => {
  assert.equal(matchesTopic(`${'*a'.repeat(120)}b`, 'a'.repeat(256)), false);
});
