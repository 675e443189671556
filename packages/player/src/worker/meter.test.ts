import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { mediaMs } from '../sync/media-time.ts';
import { Latency } from './latency.ts';
import { Meter } from './meter.ts';

test('counters become rates per second', () => {
  const meter = new Meter();
  assert.deepEqual(meter.rates(millis(0), { bytes: 100 }), { bytes: 0 });
  assert.deepEqual(meter.rates(millis(500), { bytes: 600 }), { bytes: 1_000 });
  assert.deepEqual(meter.rates(millis(1_500), { bytes: 600 }), { bytes: 0 });
});

test('latency is the smoothed age of shown pictures', () => {
  const latency = new Latency();
  assert.equal(latency.latency, undefined);
  for (let i = 0; i < 100; i++) {
    latency.arrived(mediaMs(i * 33.4), millis(i * 33));
    latency.shown(mediaMs(i * 33.4), i * 33 + 40);
  }
  assert.ok(Math.abs((latency.latency ?? 0) - 40) < 0.001);
});

test('clocks that disagree by more than a minute tell no latency', () => {
  const latency = new Latency();
  latency.arrived(mediaMs(0), millis(0));
  latency.shown(mediaMs(0), 3_600_000);
  assert.equal(latency.latency, undefined);
});
