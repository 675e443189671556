export { checkOrigins } from './api/web.ts';
export type { ChainState as AuditChainState } from './audit/verify.ts';
export { isLoopback } from './auth/plain-http.ts';
export type { NewToken, Scope as TokenScope, TokenRecord } from './auth/tokens.ts';
export { parseNetwork } from './auth/trusted-proxies.ts';
export { backupIn, restoreIn } from './backup/in-state.ts';
export { RelayError, type RelayErrorCode } from './errors.ts';
export type { TopicInfo } from './live-topic.ts';
export type { ClientStats, FlowStats } from './observe/client-stats.ts';
export type { Relay, RelayOptions } from './options.ts';
export type { PublicAddress } from './public-address.ts';
export { startRelay } from './relay.ts';
export {
  createHouseholdIn,
  createTokenIn,
  listTokensIn,
  revokeTokenIn,
  type StatePlace,
  verifyAuditIn,
} from './state.ts';
export { parseDatabaseAddress } from './storage/address.ts';
export { isDnsName } from './tls/machine-names.ts';
export type { AcmeOptions, TlsOptions } from './tls/server-tls.ts';
