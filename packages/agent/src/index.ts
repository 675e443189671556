export { type Agent, startAgent } from './agent.ts';
export { type EnvironmentSettings, type LogLevel, settingsFromEnvironment } from './config.ts';
export { AgentError, type AgentErrorCode } from './errors.ts';
export type { AgentOptions, GivenDestination } from './options.ts';
export { RuleError, type RuleErrorCode } from './rules/errors.ts';
export { demoSource } from './sources/demo.ts';
export type { SourceOptions } from './sources/source.ts';
export { type OutgoingOptions, proxyFor } from './uplink/dial.ts';
export type { ShareOptions } from './uplink/shared.ts';
