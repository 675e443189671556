import type { TokenRecord } from '../auth/tokens.ts';
import type { Noted } from './audit.ts';

// What is done on the machine itself, not over the network.

const byHost = { who: { kind: 'host' }, from: 'here' } as const;

export const tokenMade = ({ id, household, topic, scope, expires }: TokenRecord): Noted => ({
  ...byHost,
  household,
  what: 'token-make',
  topic,
  detail: `token ${id}: ${scope.join(', ')}, until ${new Date(expires).toISOString()}`,
});

export const tokenRevoked = ({ id, household, topic }: TokenRecord): Noted => ({
  ...byHost,
  household,
  what: 'token-revoke',
  topic,
  detail: `token ${id}`,
});
