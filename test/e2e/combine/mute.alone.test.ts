import { test } from 'node:test';
import { muteOften } from './mute.ts';

test('1,000 mutes and unmutes lose no picture, break no counter and no connection', (t) =>
  muteOften(t, 1_000));
