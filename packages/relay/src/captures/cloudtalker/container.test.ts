import assert from 'node:assert/strict';
import { it } from 'node:test';
import { containerOf } from './container.ts';

it('tells files apart by their first bytes', () => {
  assert.equal(containerOf(Buffer.from('0000001c667479706d703432', 'hex')), 'mp4');
  assert.equal(containerOf(Buffer.from([0x47, 0x40, 0, 0x10])), 'ts');
  assert.equal(containerOf(Buffer.from('1a45dfa3', 'hex')), 'mkv');
  assert.equal(containerOf(Buffer.from('RIFF....AVI ')), 'avi');
  assert.equal(containerOf(Buffer.alloc(0)), 'bin');
});
