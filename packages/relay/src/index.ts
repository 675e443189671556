export {
  createTokenIn,
  findTokenIn,
  listTokensIn,
  type NewToken,
  revokeTokenIn,
  type Scope as TokenScope,
} from './auth/tokens.ts';
export { RelayError, type RelayErrorCode } from './errors.ts';
export type { TopicInfo } from './live-topic.ts';
export type { ClientStats, FlowStats } from './observe/client-stats.ts';
export type { Relay, RelayOptions } from './options.ts';
export { startRelay } from './relay.ts';
