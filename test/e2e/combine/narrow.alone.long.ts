import { test } from 'node:test';
import { narrow } from './narrow.ts';

test('on a line that carries half of the stream for a minute sound goes on, and nothing is later than 2 s', (t) =>
  narrow(t, 60));
