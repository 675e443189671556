import { descriptors, PacketWriter, ticks27M, ticks90k, writePat, writePes, writePmt } from '@perch/mpegts';

/** Start code, access unit delimiter; SPS and PPS that x264 wrote for 320×240. */
const delimiter = Buffer.from('0000000109f0', 'hex');
const sets = Buffer.from('000000016742c00dd90141fb011000003e90000ea600f142a4800000000168cb83cb20', 'hex');
const picture = (key: boolean) =>
  Buffer.concat([
    delimiter,
    key ? sets : Buffer.alloc(0),
    Buffer.from(key ? '00000001659a' : '00000001419a', 'hex'),
    Buffer.alloc(key ? 3000 : 400, 0x55),
  ]);
/** An ADTS header for 200 bytes of AAC, 44,100 Hz stereo. */
const sound = Buffer.concat([Buffer.from('fff15080191ffc', 'hex'), Buffer.alloc(193, 0x55)]);

/** Two seconds of a camera: 50 pictures, a key picture each second, and sound. */
export function cameraStream(): Uint8Array {
  const writer = new PacketWriter();
  const pmt = writePmt({
    programNumber: 1,
    version: 0,
    pcrPid: 0x100,
    descriptors: [],
    streams: [
      { pid: 0x100, streamType: 0x1b, descriptors: [] },
      { pid: 0x101, streamType: 0x0f, descriptors: [descriptors.language('deu')] },
    ],
  });
  const pat = writePat({ programs: [{ programNumber: 1, pmtPid: 0x1000 }] });
  const parts: Uint8Array[] = [];
  let soundAt = 0;
  for (let i = 0; i < 50; i++) {
    const at = i * 3600;
    const key = i % 25 === 0;
    if (key) parts.push(writer.section(0, pat), writer.section(0x1000, pmt));
    const pes = writePes({ streamId: 0xe0, pts: ticks90k(126_000 + at) }, picture(key));
    parts.push(writer.pes(0x100, pes, { pcr: ticks27M((117_000 + at) * 300), randomAccess: key }));
    for (; soundAt <= at; soundAt += (1024 * 90_000) / 44_100) {
      const pts = ticks90k(126_000 + Math.round(soundAt));
      parts.push(writer.pes(0x101, writePes({ streamId: 0xc0, pts }, sound), { randomAccess: true }));
    }
  }
  return Buffer.concat(parts);
}
