import { test } from 'node:test';
import { changeRules } from './rule-changes.ts';

// rule-changes.long.ts makes a day's changes.
test('2,000 rule changes under a live stream leave no handle, no listener and no memory behind', (t) =>
  changeRules(t, { changes: 2_000, warmUp: 500 }));
