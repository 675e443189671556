import { test } from 'node:test';
import { narrow } from './narrow.ts';

// narrow.alone.long.ts does it for a minute.
test('on a line that carries half of the stream for 10 s sound goes on, and nothing is later than 2 s', (t) =>
  narrow(t, 10));
