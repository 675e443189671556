export * from './agent-channel/index.ts';
export { bearerProtocol, bearerToken } from './bearer.ts';
export { type CameraState, cameraLimits, readCameraState } from './cameras.ts';
export * from './captures/index.ts';
export { type Control, type ControlType, decodeControl, encodeControl } from './control.ts';
export { closeCodes, isRefusal, ProtocolError, type ProtocolErrorCode } from './errors.ts';
export { limits } from './limits.ts';
export { decodeSessionAnswer, type SessionAnswer } from './session.ts';
export {
  type Access,
  isTopicName,
  matchesTopic,
  parseTopicPath,
  type TopicPath,
  type Unshown,
} from './topic.ts';
export {
  type Mark,
  type MediaClass,
  PERCH_1,
  readWireHeader,
  WIRE_HEADER_BYTES,
  type WireHeader,
  writeWireHeader,
} from './wire.ts';
