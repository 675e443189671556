export { type Agent, startAgent } from './agent.ts';
export {
  type CameraAddress,
  CameraError,
  type CameraErrorCode,
  type CaptureOptions,
  Captures,
  type CapturesStatus,
  type InputAddress,
} from './captures/index.ts';
export { type EnvironmentSettings, type LogLevel, settingsFromEnvironment } from './config.ts';
export { AgentError, type AgentErrorCode } from './errors.ts';
export { keepHeapTight } from './heap.ts';
export { type Enrolled, type EnrolOptions, enrol } from './identity/enrol.ts';
export { identityIn, type KeptIdentity, setRelayIn } from './identity/kept-identity.ts';
export { type Renewed, renewIdentity } from './identity/renew-identity.ts';
export { motionDefaults } from './motion/index.ts';
export type { AgentOptions, GivenDestination, MotionSettings } from './options.ts';
export { RuleError, type RuleErrorCode } from './rules/errors.ts';
export { demoSource } from './sources/demo.ts';
export type { SourceOptions } from './sources/source.ts';
export { SpoolError, type SpoolErrorCode } from './spool/index.ts';
export { type OutgoingOptions, proxyFor } from './uplink/dial.ts';
export type { ShareOptions } from './uplink/shared.ts';
export { type CloudtalkerOptions, startCloudtalker } from './upload/to-cloud.ts';
