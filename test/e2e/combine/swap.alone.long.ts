import { test } from 'node:test';
import { swapOften } from './swap.ts';

test('a stream that is moved 200 times between two relays arrives once and whole', (t) => swapOften(t, 200));
