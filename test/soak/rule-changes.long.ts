import { test } from 'node:test';
import { changeRules } from './rule-changes.ts';

test('86,400 rule changes under a live stream leave no handle, no listener and no memory behind', (t) =>
  changeRules(t, { changes: 86_400, warmUp: 10_000 }));
