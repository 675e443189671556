export { type CaptureEvent, type CaptureName, type SegmentName, type Trigger, triggers } from './capture.ts';
export {
  CLOUD_FRAME_BYTES,
  CLOUD_STATE_PERIODS,
  type CloudState,
  type CloudTrigger,
  cloudStateDefaults,
  decodeCloudState,
  decodeFromCloudtalker,
  encodeFromCloudtalker,
  type FromCloudtalker,
  fromCloudTrigger,
  toCloudTrigger,
} from './cloudtalker.ts';
export { FRAME_HEADER_BYTES, type FrameHeader, readFrameHeader, writeFrameHeader } from './frame.ts';
export { captureLimits } from './limits.ts';
export {
  decodeFromDevice,
  decodeFromRelay,
  encodeCaptureMessage,
  type FromDevice,
  type FromRelay,
  PERCH_CAPTURES_1,
} from './message.ts';
