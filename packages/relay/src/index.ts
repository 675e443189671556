export type { ChainState as AuditChainState } from './audit/verify.ts';
export type { NewToken, Scope as TokenScope, TokenRecord } from './auth/tokens.ts';
export { RelayError, type RelayErrorCode } from './errors.ts';
export type { TopicInfo } from './live-topic.ts';
export type { ClientStats, FlowStats } from './observe/client-stats.ts';
export type { Relay, RelayOptions } from './options.ts';
export { startRelay } from './relay.ts';
export { createTokenIn, listTokensIn, revokeTokenIn, type StatePlace, verifyAuditIn } from './state.ts';
export { parseDatabaseAddress } from './storage/address.ts';
