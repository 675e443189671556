import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ObjectStream, type Parsed } from './object-stream.ts';

const parse = (parts: readonly Uint8Array[], mostBytes = 65_536): Parsed[] => {
  const stream = new ObjectStream({ mostBytes });
  return [...parts.flatMap((part) => stream.push(part)), ...stream.end()];
};
const objects = (parsed: readonly Parsed[]) =>
  parsed.map((one) => (one.kind === 'object' ? one.value : one.why));
const bytes = (text: string) => Buffer.from(text);

test('objects back to back in one write are told apart', () => {
  assert.deepEqual(objects(parse([bytes('{"segment":"a"}{"segment":"b"}\n {"event":"alarm"}')])), [
    { segment: 'a' },
    { segment: 'b' },
    { event: 'alarm' },
  ]);
});

test('braces, quotes and backslashes within texts, and objects within objects, end nothing', () => {
  const value = { segment: 'a}{"\\', more: { deep: [{ er: '}' }] }, é: '🎬' };
  assert.deepEqual(objects(parse([bytes(JSON.stringify(value) + JSON.stringify(value))])), [value, value]);
});

test('however a stream is cut, the same objects come out', () => {
  const anyObject = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 });
  const space = fc.constantFrom('', ' ', '\n', '\r\n\t');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyObject, space), { maxLength: 6 }),
      fc.array(fc.nat(40), { maxLength: 60 }),
      (values, cuts) => {
        const whole = bytes(values.map(([value, gap]) => JSON.stringify(value) + gap).join(''));
        const parts: Uint8Array[] = [];
        let at = 0;
        for (const length of cuts) {
          parts.push(whole.subarray(at, at + length));
          at += length;
        }
        parts.push(whole.subarray(at));
        const expected = parse([whole]);
        assert.deepEqual(parse(parts), expected);
        assert.deepEqual(parse([...whole].map((byte) => Uint8Array.of(byte))), expected);
        assert.equal(expected.length, values.length);
      },
    ),
    { numRuns: process.env.PERCH_LONG ? 10_000 : 300 },
  );
});

test('a damaged object is passed over, and the next one is found', () => {
  assert.deepEqual(objects(parse([bytes('{"segment":a}{"segment":"b"}')])).at(-1), { segment: 'b' });
  assert.deepEqual(objects(parse([bytes('{"a":1}GET / HTTP/1.1{"b":2}')])), [
    { a: 1 },
    'there is something between the objects',
    { b: 2 },
  ]);
});

test('an object may be longer than any read, but not without end', () => {
  const long = JSON.stringify({ segment: 'x'.repeat(5_000) });
  assert.equal(parse([...bytes(long)].map((byte) => Uint8Array.of(byte)))[0]?.kind, 'object');
  const [first, second] = objects(parse([bytes(long), bytes('{"segment":"b"}')], 1_024));
  assert.match(String(first), /an object of 5014 bytes; at most 1024 are taken/);
  assert.deepEqual(second, { segment: 'b' });
});

test('a stream that ends within an object says so', () => {
  assert.deepEqual(objects(parse([bytes('{"segment":"')])), [
    'the stream ended within an object, after 12 bytes of it',
  ]);
});

test('random bytes never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (input) => {
      parse([input], 50);
    }),
    { numRuns: process.env.PERCH_LONG ? 100_000 : 1_000 },
  );
});
