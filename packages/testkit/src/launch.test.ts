import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { freePort } from './launch.ts';

test('a free port is none that the kernel may give to somebody else before it is used', async () => {
  const given = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/);
  const [from = 0, to = 0] = given.map(Number);
  const ports = await Promise.all(Array.from({ length: 50 }, freePort));
  assert.deepEqual(
    ports.filter((port) => port >= from && port <= to),
    [],
  );
});
