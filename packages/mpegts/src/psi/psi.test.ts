import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import { PacketWriter } from '../packet/write.ts';
import { Random } from '../testing/random.ts';
import { crc32 } from './crc32.ts';
import {
  componentTagOf,
  languageOf,
  opusChannelConfigOf,
  parseDescriptors,
  registrationOf,
  writeDescriptors,
} from './descriptors.ts';
import { ProgramFollower } from './follower.ts';
import { type Section, SectionAssembler } from './section.ts';
import { type Pmt, parsePat, parsePmt } from './tables.ts';
import { descriptors, writePat, writePmt } from './write.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function assemble(...payloads: { bytes: Uint8Array; unitStart: boolean }[]) {
  const sections: Section[] = [];
  const faults: string[] = [];
  const assembler = new SectionAssembler({
    onSection: (section) => sections.push({ ...section, bytes: section.bytes.slice() }),
    onFault: (fault) => faults.push(fault),
  });
  for (const { bytes, unitStart } of payloads) assembler.push(bytes, 0, bytes.length, unitStart);
  return { sections, faults };
}

const sectionOf = (bytes: Uint8Array): Section => {
  const [section] = assemble({ bytes: concat(Uint8Array.of(0), bytes), unitStart: true }).sections;
  assert.ok(section);
  return section;
};

const pmt: Pmt = {
  programNumber: 7,
  version: 31,
  pcrPid: 0x100,
  descriptors: [descriptors.registration('HDMV')],
  streams: [
    { pid: 0x100, streamType: 0x1b, descriptors: [descriptors.streamIdentifier(9)] },
    {
      pid: 0x101,
      streamType: 6,
      descriptors: [
        descriptors.language('deu'),
        descriptors.registration('Opus'),
        descriptors.opusChannels(2),
      ],
    },
  ],
};

describe('crc32', () => {
  it('gives the known check value of CRC-32/MPEG-2', () => {
    assert.equal(crc32(text('123456789')), 0x0376e6e7);
  });

  it('is 0 over a section with its CRC', () => {
    assert.equal(crc32(writePmt(pmt)), 0);
  });
});

describe('tables', () => {
  it('come back from a PAT as they went in', () => {
    const programs = Array.from({ length: 253 }, (_, i) => ({ programNumber: i + 1, pmtPid: 0x20 + i }));
    const section = sectionOf(writePat({ transportStreamId: 0xabcd, version: 5, programs }));
    assert.deepEqual(parsePat(section), programs);
    assert.equal(section.extension, 0xabcd);
    assert.equal(section.version, 5);
  });

  it('come back from a PMT as they went in', () => {
    assert.deepEqual(parsePmt(sectionOf(writePmt(pmt))), pmt);
  });

  it('leave the network PID out of the programs', () => {
    const programs = [
      { programNumber: 0, pmtPid: 16 },
      { programNumber: 1, pmtPid: 32 },
    ];
    assert.deepEqual(parsePat(sectionOf(writePat({ programs }))), programs.slice(1));
  });

  it('refuse what does not fit, naming it', () => {
    const many = Array.from({ length: 254 }, (_, i) => ({ programNumber: i + 1, pmtPid: 32 }));
    assert.throws(() => writePat({ programs: many }), /1016 bytes, 1012 fit/);
    assert.throws(() => writePat({ programs: [{ programNumber: 1, pmtPid: 0x1fff }] }), /pmtPid: 8191/);
    assert.throws(() => writePmt({ ...pmt, version: 32 }), /version: 32/);
    assert.throws(() => writeDescriptors([{ tag: 5, data: new Uint8Array(256) }]), /longer than 255/);
  });

  it('with contradicting lengths are none', () => {
    for (const at of [10, 11, 21, 22]) {
      const bytes = writePmt(pmt);
      bytes[at] = 0xff;
      const crc = crc32(bytes, 0, bytes.length - 4);
      new DataView(bytes.buffer).setUint32(bytes.length - 4, crc);
      assert.equal(parsePmt(sectionOf(bytes)), undefined, `byte ${at}`);
    }
  });
});

describe('descriptors', () => {
  it('tell registration, language, component tag and Opus channels', () => {
    const list = pmt.streams.flatMap((stream) => stream.descriptors);
    assert.equal(registrationOf(list), 'Opus');
    assert.equal(languageOf(list), 'deu');
    assert.equal(componentTagOf(list), 9);
    assert.equal(opusChannelConfigOf(list), 2);
    assert.equal(registrationOf([]), undefined);
  });

  it('end where one does not fit', () => {
    const bytes = Uint8Array.of(5, 1, 0xaa, 6, 9, 1);
    assert.deepEqual(parseDescriptors(bytes, 0, bytes.length), [{ tag: 5, data: Uint8Array.of(0xaa) }]);
  });
});

describe('SectionAssembler', () => {
  const one = writePmt(pmt);
  const two = writePat({ programs: [{ programNumber: 1, pmtPid: 32 }] });

  it('finds several sections in one packet', () => {
    const { sections, faults } = assemble({
      bytes: concat(Uint8Array.of(0), one, two, text('\xff')),
      unitStart: true,
    });
    assert.deepEqual([sections.map((s) => s.tableId), faults], [[2, 0], []]);
  });

  it('joins a section that goes over many packets, cut anywhere', () => {
    const long = writePat({
      programs: Array.from({ length: 250 }, (_, i) => ({ programNumber: i + 1, pmtPid: 99 })),
    });
    const random = new Random(2);
    for (let round = 0; round < 50; round++) {
      const parts = [];
      for (let at = 0; at < long.length; ) {
        const size = 1 + random.below(180);
        const piece = long.subarray(at, at + size);
        parts.push({ bytes: at === 0 ? concat(Uint8Array.of(0), piece) : piece, unitStart: at === 0 });
        at += size;
      }
      const { sections, faults } = assemble(...parts);
      assert.deepEqual(sections[0]?.bytes, long);
      assert.deepEqual(faults, []);
    }
  });

  it('finds the section that begins where the one before ends', () => {
    const { sections, faults } = assemble(
      { bytes: concat(Uint8Array.of(0), one.subarray(0, 20)), unitStart: true },
      { bytes: concat(Uint8Array.of(one.length - 20), one.subarray(20), two), unitStart: true },
    );
    assert.deepEqual([sections.map((s) => s.tableId), faults], [[2, 0], []]);
  });

  it('reports a wrong CRC, an impossible pointer and a section that stops short', () => {
    const wrong = one.slice();
    wrong[12] = (wrong[12] ?? 0) ^ 1;
    assert.deepEqual(assemble({ bytes: concat(Uint8Array.of(0), wrong), unitStart: true }).faults, ['crc']);
    assert.deepEqual(assemble({ bytes: Uint8Array.of(200, 1, 2), unitStart: true }).faults, ['pointer']);
    const short = assemble(
      { bytes: concat(Uint8Array.of(0), one.subarray(0, 20)), unitStart: true },
      { bytes: concat(Uint8Array.of(0), two), unitStart: true },
    );
    assert.deepEqual([short.sections.length, short.faults], [1, ['length']]);
  });

  it('waits for a unit start, at the begin and after a loss', () => {
    const { sections } = assemble({ bytes: one, unitStart: false });
    assert.equal(sections.length, 0);
  });
});

describe('ProgramFollower', () => {
  function follow() {
    const seen: string[] = [];
    const writer = new PacketWriter();
    const follower = new ProgramFollower({
      onProgram: (found, pid) => seen.push(`program ${found.programNumber} v${found.version} on ${pid}`),
      onProgramGone: (program) => seen.push(`gone ${program}`),
      onFault: (pid, fault) => seen.push(`${fault} on ${pid}`),
    });
    const push = (pid: number, section: Uint8Array) => {
      const packets = writer.section(pid, section);
      for (let at = 0; at < packets.length; at += 188) follower.push(pid, packets, at);
    };
    return { seen, push, follower };
  }

  it('tells each program once, again when it changes, and when it is gone', () => {
    const { seen, push } = follow();
    const pat = writePat({ programs: [{ programNumber: 7, pmtPid: 32 }] });
    push(32, writePmt(pmt));
    push(0, pat);
    push(32, writePmt(pmt));
    push(0, pat);
    push(32, writePmt(pmt));
    push(32, writePmt({ ...pmt, version: 0 }));
    push(0, writePat({ version: 1, programs: [] }));
    assert.deepEqual(seen, ['program 7 v31 on 32', 'program 7 v0 on 32', 'gone 7']);
  });

  it('listens only where the PAT says', () => {
    const { seen, push, follower } = follow();
    push(0, writePat({ programs: [{ programNumber: 8, pmtPid: 32 }] }));
    push(32, writePmt(pmt));
    assert.deepEqual(seen, []);
    assert.equal(follower.follows(32), true);
    push(0, writePat({ version: 1, programs: [{ programNumber: 8, pmtPid: 33 }] }));
    assert.equal(follower.follows(32), false);
  });

  it('follows so many programs and tells of the rest', () => {
    const { seen, push, follower } = follow();
    push(
      0,
      writePat({ programs: Array.from({ length: 66 }, (_, i) => ({ programNumber: i + 1, pmtPid: 99 })) }),
    );
    assert.equal(follower.programs.size, 64);
    assert.deepEqual(seen, ['too-many on 0', 'too-many on 0']);
  });
});
