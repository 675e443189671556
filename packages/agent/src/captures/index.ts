export {
  type CaptureOptions,
  type CaptureParts,
  Captures,
  type CapturesStatus,
  type Upload,
  type UploadParts,
} from './captures.ts';
export type { CameraAddress } from './datagram.ts';
export { CameraError, type CameraErrorCode } from './errors.ts';
export type { InputAddress } from './sockets.ts';
