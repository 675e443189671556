export { type Codec, codecName, type StreamClass } from './codec/codec.ts';
export { limits } from './limits.ts';
export {
  MessageCutter,
  type MessageCutterOptions,
  type MessageCutterStats,
  type MessageMark,
} from './message-cutter.ts';
export { MessageMarker } from './message-marker.ts';
export { ProgramTables } from './program-tables.ts';
export { seconds, type Ticks27M, type Ticks90k, ticks27M, ticks90k, wrap } from './time.ts';
