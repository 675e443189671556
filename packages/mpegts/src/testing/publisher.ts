import { concat } from '../bytes.ts';
import { PacketWriter } from '../packet/write.ts';
import { writePes } from '../pes/write.ts';
import { writePat, writePmt } from '../psi/write.ts';
import { testPids } from './streams.ts';

/** A publisher of H.264 and AAC whose units hold nothing, for tests that look at packets only. */
export class TestPublisher {
  readonly #writer = new PacketWriter();

  /** PAT and PMT. */
  tables(): Uint8Array {
    const streams = [
      { streamType: 0x1b, pid: testPids.video, descriptors: [] },
      { streamType: 0x0f, pid: testPids.audio, descriptors: [] },
    ];
    const pat = writePat({ programs: [{ programNumber: 1, pmtPid: testPids.pmt }] });
    const pmt = writePmt({ programNumber: 1, version: 0, pcrPid: testPids.video, descriptors: [], streams });
    return concat(this.#writer.section(0, pat), this.#writer.section(testPids.pmt, pmt));
  }

  video(randomAccess: boolean, size = 500): Uint8Array {
    const pes = writePes({ streamId: 0xe0 }, new Uint8Array(size).fill(0xaa));
    return this.#writer.pes(testPids.video, pes, { randomAccess });
  }

  audio(): Uint8Array {
    const pes = writePes({ streamId: 0xc0 }, new Uint8Array(100).fill(0xbb));
    return this.#writer.pes(testPids.audio, pes, { randomAccess: true });
  }
}
