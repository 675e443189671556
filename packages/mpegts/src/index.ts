export { Analyzer } from './analysis/analyzer.ts';
export type { Intervals, OtherPid, ProgramReport, Report, StreamReport } from './analysis/report.ts';
export { adtsHeaderBytes } from './codec/adts.ts';
export { BitReader } from './codec/bits.ts';
export { type Codec, codecName, type StreamClass } from './codec/codec.ts';
export type {
  AacConfig,
  CodecConfig,
  H264Config,
  HevcConfig,
  MpegAudioConfig,
  MpegVideoConfig,
  OpusConfig,
} from './codec/config.ts';
export { parseSps, type Sps } from './codec/h264-sps.ts';
export { latmPayload } from './codec/latm.ts';
export { rbspOf } from './codec/nal.ts';
export { Combiner, type CombinerOptions } from './combine/combiner.ts';
export type { CombinerState, CombinerTrack } from './combine/combiner-state.ts';
export { TimedFeed, type TimedFeedOptions } from './combine/timed-feed.ts';
export type { TimedFeedState, TimedFeedTrack } from './combine/timed-feed-state.ts';
export { countPictures } from './count-pictures.ts';
export type { AccessUnitFault, Damage, DamageCounts, DamageKind } from './damage.ts';
export { Demuxer, type DemuxerOptions, type DemuxerStats } from './demuxer.ts';
export { findRandomAccess } from './find-random-access.ts';
export { limits } from './limits.ts';
export {
  MessageCutter,
  type MessageCutterOptions,
  type MessageCutterStats,
  type MessageMark,
} from './message-cutter.ts';
export { MessageMarker } from './message-marker.ts';
export { Muxer, type MuxerOptions, type MuxerState, type MuxerStream, type MuxerUnit } from './mux/muxer.ts';
export { type AdaptationField, hasPcr, parseAdaptation, readPcr } from './packet/adaptation.ts';
export {
  counterOf,
  hasPayload,
  isDiscontinuity,
  isRandomAccess,
  isUnitStart,
  NULL_PID,
  PACKET_BYTES,
  PAT_PID,
  payloadStart,
  pidOf,
  SYNC_BYTE,
} from './packet/packet.ts';
export { findFirstPacket } from './packet/recognise.ts';
export { PacketWriter, type UnitFlags } from './packet/write.ts';
export type { PesFault } from './pes/assembler.ts';
export { type PesOptions, writePes } from './pes/write.ts';
export type { AccessUnit, ClockReference, ElementaryStream, Program } from './program.ts';
export { ProgramTables } from './program-tables.ts';
export type { Descriptor } from './psi/descriptors.ts';
export type { SectionFault } from './psi/section.ts';
export type { PatEntry, Pmt, PmtStream } from './psi/tables.ts';
export { descriptors, type Pat, writePat, writePmt } from './psi/write.ts';
export { beginsGroup, StartGroup, type StartMessage, withTables } from './start-group.ts';
export { seconds, type Ticks27M, type Ticks90k, ticks27M, ticks90k, wrap } from './time.ts';
export { TrackFilter } from './track-filter.ts';
