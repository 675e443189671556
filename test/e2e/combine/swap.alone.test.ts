import { test } from 'node:test';
import { swapOften } from './swap.ts';

// swap.alone.long.ts does it 200 times.
test('a stream that is moved 20 times between two relays arrives once and whole', (t) => swapOften(t, 20));
