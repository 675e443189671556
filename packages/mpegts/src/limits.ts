const MiB = 1024 * 1024;

/** What bounds the memory of this library, whatever the input. */
export const limits = {
  /** Largest PES packet; a longer one is dropped and reported. In bytes. */
  pesBytes: 8 * MiB,
  /** All unfinished PES packets of one demuxer together. In bytes. */
  bufferedBytes: 32 * MiB,
  /** Most programs that are followed; ISO/IEC 13818-1 allows 65,535. */
  programs: 64,
  /** Most elementary streams that are followed, over all programs. */
  streams: 256,
  /** How much of a stream a {@link MessageCutter} examines before it takes it for something else than MPEG-TS. In bytes. */
  recogniseBytes: 64 * 1024,
} as const;
