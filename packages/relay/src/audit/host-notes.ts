import type { TokenRecord } from '../auth/tokens.ts';
import type { Noted } from './audit.ts';

// What is done on the machine itself, not over the network.

const byHost = { who: { kind: 'host' }, from: 'here' } as const;

export const tokenMade = ({ id, topic, scope, expires }: TokenRecord): Noted => ({
  ...byHost,
  what: 'token-make',
  topic,
  detail: `token ${id}: ${scope.join(', ')}, until ${new Date(expires).toISOString()}`,
});

export const tokenRevoked = ({ id, topic }: TokenRecord): Noted => ({
  ...byHost,
  what: 'token-revoke',
  topic,
  detail: `token ${id}`,
});
