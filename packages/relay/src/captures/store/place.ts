/** Which segment of which film of which device. Device and film are names that are safe in paths. */
export interface SegmentPlace {
  readonly device: string;
  /** The film's name, as the device made it. */
  readonly capture: string;
  readonly segment: number;
}

/** A segment's bytes, as they are named on the disk. */
export interface StoredFile extends SegmentPlace {
  /** Without the dot. */
  readonly extension: string;
  readonly sha256: string;
}
