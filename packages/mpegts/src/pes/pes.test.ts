import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import { limits } from '../limits.ts';
import { stuffingBytes } from '../packet/adaptation.ts';
import { isUnitStart, payloadStart } from '../packet/packet.ts';
import { PacketWriter } from '../packet/write.ts';
import { Random } from '../testing/random.ts';
import { filler } from '../testing/streams.ts';
import { TICKS_WRAP, ticks27M, ticks90k } from '../time.ts';
import { PesAssembler } from './assembler.ts';
import { parsePesHeader, readTimestamp } from './header.ts';
import { writePes } from './write.ts';

const random = new Random(11);

function assembler() {
  const seen: string[] = [];
  const budget = { used: 0 };
  const pes = new PesAssembler({
    budget,
    onPes: ({ payload, damaged, header }) =>
      seen.push(
        `${payload.length}${damaged ? ' damaged' : ''}${header.pts === undefined ? '' : ` at ${header.pts}`}`,
      ),
    onFault: (fault) => seen.push(fault),
  });
  const push = (packets: Uint8Array, from = 0, to = packets.length / 188) => {
    for (let at = from * 188; at < to * 188; at += 188) {
      const stuffed = stuffingBytes(packets, at) > 0;
      pes.push(packets, payloadStart(packets, at), at + 188, isUnitStart(packets, at), stuffed, false);
    }
  };
  return { seen, pes, push, budget };
}

const unbounded = (size: number, pts = 900) =>
  writePes({ streamId: 0xe0, pts: ticks90k(pts), bounded: false }, filler(random, size));
const bounded = (size: number, pts = 900) =>
  writePes({ streamId: 0xe0, pts: ticks90k(pts) }, filler(random, size));
/** A payload that fills its packets to the last byte, with a header of 14 bytes. */
const full = (packets: number) => 184 * packets - 14;

describe('a PES header', () => {
  it('comes back as it was written, with every time stamp', () => {
    for (const [pts, dts] of [
      [0, undefined],
      [TICKS_WRAP - 1, TICKS_WRAP - 3600],
      [0x155555555, 0x0aaaaaaaa],
      [126_000, 122_400],
    ] as const) {
      const bytes = writePes(
        { streamId: 0xe0, pts: ticks90k(pts), ...(dts !== undefined && { dts: ticks90k(dts) }) },
        Uint8Array.of(1, 2, 3),
      );
      const header = parsePesHeader(bytes);
      assert.deepEqual([header?.pts, header?.dts, header?.streamId], [pts, dts, 0xe0]);
      assert.deepEqual(bytes.subarray(header?.payload), Uint8Array.of(1, 2, 3));
    }
  });

  it('says no length of what is too long', () => {
    assert.deepEqual([...writePes({ streamId: 0xe0 }, new Uint8Array(0xffff)).subarray(4, 6)], [0, 0]);
    assert.deepEqual([...writePes({ streamId: 0xe0 }, new Uint8Array(0xfffc)).subarray(4, 6)], [0xff, 0xff]);
  });

  it('is refused where its lengths or marks are wrong', () => {
    assert.equal(parsePesHeader(Uint8Array.of(0, 0, 1)), undefined);
    assert.equal(parsePesHeader(Uint8Array.of(0, 0, 2, 0xe0, 0, 0, 0x80, 0, 0)), undefined);
    assert.equal(parsePesHeader(Uint8Array.of(0, 0, 1, 0xe0, 0, 0, 0x40, 0, 0)), undefined);
    assert.equal(parsePesHeader(Uint8Array.of(0, 0, 1, 0xe0, 0, 0, 0x80, 0, 9)), undefined);
    assert.equal(readTimestamp(Uint8Array.of(0x21, 0, 0, 0, 1), 0), undefined);
  });

  it('is short in streams that have none', () => {
    assert.equal(parsePesHeader(Uint8Array.of(0, 0, 1, 0xbf, 0, 1, 9))?.payload, 6);
  });
});

describe('PesAssembler', () => {
  it('delivers at the length, without waiting for more', () => {
    const { seen, push } = assembler();
    push(new PacketWriter().pes(0x100, bounded(full(3))));
    assert.deepEqual(seen, [`${full(3)} at 900`]);
  });

  it('delivers at a stuffed packet, without waiting for more', () => {
    const { seen, push } = assembler();
    push(new PacketWriter().pes(0x100, unbounded(1000)));
    assert.deepEqual(seen, ['1000 at 900']);
  });

  it('does not take random access or a clock in the first packet for stuffing', () => {
    const { seen, push } = assembler();
    const flags = { randomAccess: true, pcr: ticks27M(5) };
    const packets = new PacketWriter().pes(0x100, unbounded(1000), flags);
    push(packets, 0, 5);
    assert.deepEqual(seen, []);
    push(packets, 5);
    assert.deepEqual(seen, ['1000 at 900']);
  });

  it('delivers what is neither bounded nor stuffed at the next unit start', () => {
    const { seen, push } = assembler();
    const writer = new PacketWriter();
    push(writer.pes(0x100, unbounded(full(4))));
    assert.deepEqual(seen, []);
    push(writer.pes(0x100, unbounded(full(1), 4500)));
    assert.deepEqual(seen, [`${full(4)} at 900`]);
  });

  it('learns that a stream stuffs inside its PES packets, at the price of one', () => {
    const { seen, push, pes } = assembler();
    const writer = new PacketWriter();
    // A muxer that writes what it has: stuffed packets in the middle.
    const odd = (pts: number) => {
      const begin = writer.pes(0x100, unbounded(300, pts));
      const rest = writer.pes(0x100, filler(random, 300));
      for (let at = 0; at < rest.length; at += 188) rest[at + 1] = 0x01;
      return concat(begin, rest);
    };
    push(odd(1));
    push(odd(2));
    push(odd(3));
    pes.flush();
    assert.deepEqual(seen, ['300 at 1', 'overrun', '600 at 2', '600 at 3']);
  });

  it('delivers what is left of a PES packet that lost packets, as damaged, and waits for the next', () => {
    const { seen, push, pes } = assembler();
    const packets = new PacketWriter().pes(0x100, bounded(full(4)));
    push(packets, 0, 2);
    pes.lost();
    push(packets, 3);
    push(new PacketWriter().pes(0x100, bounded(10, 77)));
    assert.deepEqual(seen, ['truncated', `${full(2)} damaged at 900`, '10 at 77']);
  });

  it('calls one short that a unit start cuts off', () => {
    const { seen, push } = assembler();
    const writer = new PacketWriter();
    push(writer.pes(0x100, bounded(full(4))), 0, 3);
    push(writer.pes(0x100, bounded(10, 77)));
    assert.deepEqual(seen, ['truncated', `${full(3)} damaged at 900`, '10 at 77']);
  });

  it('reports a missing start code and a header that is none', () => {
    const { seen, push } = assembler();
    push(new PacketWriter().pes(0x100, filler(random, 400)));
    push(new PacketWriter().pes(0x100, Uint8Array.of(0, 0, 1, 0xe0, 0, 4, 0x40, 0, 0, 0)));
    assert.deepEqual(seen, ['start-code', 'header']);
  });

  it('drops one that is longer than the limit, and goes on with the next', () => {
    const { seen, push, budget } = assembler();
    const writer = new PacketWriter();
    push(writer.pes(0x100, unbounded(full(1 + Math.ceil(limits.pesBytes / 184)))));
    push(writer.pes(0x100, bounded(10, 77)));
    assert.deepEqual(seen, ['too-long', '10 at 77']);
    assert.ok(budget.used <= limits.pesBytes);
  });

  it('gives its memory back', () => {
    const { push, pes, budget } = assembler();
    push(new PacketWriter().pes(0x100, unbounded(full(100))));
    assert.ok(budget.used > 0);
    pes.close();
    assert.equal(budget.used, 0);
  });
});
