import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../errors.ts';
import {
  decodeCloudState,
  decodeFromCloudtalker,
  encodeFromCloudtalker,
  type FromCloudtalker,
  fromCloudTrigger,
  toCloudTrigger,
} from './cloudtalker.ts';

test('each message survives the wire', () => {
  const film = { trigger_timestamp: 1_795_000_000, trigger: 'request' } as const;
  const all: FromCloudtalker[] = [
    { type: 'capture_start', ...film },
    { type: 'capture_segment', ...film, seg_no: 4 },
    { type: 'capture_end', ...film },
    { type: 'alarm', trigger_timestamp: 5 },
    { type: 'state', id: 0, heartbeat_period: 10, pir_armed: true, capture_asap: false },
  ];
  for (const message of all) assert.deepEqual(decodeFromCloudtalker(encodeFromCloudtalker(message)), message);
});

test('state and alarm are written as Python writes them, films compactly', () => {
  assert.equal(
    encodeFromCloudtalker({
      type: 'state',
      id: 0,
      heartbeat_period: 10,
      pir_armed: false,
      capture_asap: false,
    }),
    '{"capture_asap": false, "heartbeat_period": 10, "id": 0, "pir_armed": false, "type": "state"}',
  );
  assert.equal(
    encodeFromCloudtalker({ type: 'alarm', trigger_timestamp: 7 }),
    '{"type": "alarm", "trigger_timestamp": 7}',
  );
  assert.equal(
    encodeFromCloudtalker({ type: 'capture_start', trigger_timestamp: 7, trigger: 'pir' }),
    '{"type":"capture_start","trigger_timestamp":7,"trigger":"pir"}',
  );
});

test("the cloud's message may name any of the state, and more", () => {
  assert.deepEqual(decodeCloudState('{"pir_armed":true,"more":1}'), {
    id: 0,
    heartbeat_period: 10,
    pir_armed: true,
    capture_asap: false,
  });
});

test('damage is refused in words, an unknown type passed over', () => {
  assert.equal(decodeFromCloudtalker('{"type":"dance"}'), undefined);
  for (const [text, words] of [
    ['{', /JSON object/],
    ['[]', /JSON object/],
    ['{"type":"alarm"}', /`trigger_timestamp`/],
    ['{"type":"capture_start","trigger_timestamp":1,"trigger":"cap"}', /`trigger`/],
    ['{"type":"capture_segment","trigger_timestamp":1,"trigger":"pir","seg_no":-1}', /`seg_no`/],
    ['{"type":"state","pir_armed":1}', /`pir_armed`/],
    ['{"type":"state","heartbeat_period":"1"}', /`heartbeat_period`/],
  ] as const) {
    assert.throws(
      () => decodeFromCloudtalker(text),
      (error: ProtocolError) => error instanceof ProtocolError && words.test(error.message),
      text,
    );
  }
});

test('a film that was asked for is called request on this wire and cap in file names', () => {
  for (const trigger of ['pir', 'cap'] as const)
    assert.equal(fromCloudTrigger(toCloudTrigger(trigger)), trigger);
});
