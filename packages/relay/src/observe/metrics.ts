import type { Topics } from '../topics.ts';

/** The relay in numbers, as Prometheus' text format 0.0.4. No topic is named: this page needs no right. */
export function metricsText(topics: Topics): string {
  const list = topics.list();
  const total = {
    receivedBytes: 0,
    receivedMessages: 0,
    sentBytes: 0,
    sentMessages: 0,
    droppedMessages: 0,
    backlog: 0,
  };
  for (const { received, outlet } of topics.connections) {
    total.receivedBytes += received.bytes;
    total.receivedMessages += received.messages;
    total.sentBytes += outlet.meter.bytes;
    total.sentMessages += outlet.meter.messages;
    total.droppedMessages += outlet.dropped.messages;
    total.backlog += outlet.backlog;
  }
  const cpu = process.cpuUsage();
  const memory = process.memoryUsage();
  const sum = (key: 'viewers' | 'publishers' | 'bitrate') => list.reduce((n, topic) => n + topic[key], 0);
  const rows: [name: string, type: 'gauge' | 'counter', help: string, value: number][] = [
    ['perch_topics', 'gauge', 'Topics with connections.', list.length],
    ['perch_connections', 'gauge', 'WebSockets on topics.', topics.connections.size],
    ['perch_viewers', 'gauge', 'Connections that watch.', sum('viewers')],
    ['perch_publishers', 'gauge', 'Connections that have published.', sum('publishers')],
    ['perch_publish_bits_per_second', 'gauge', 'Payload published, over the last second.', sum('bitrate')],
    [
      'perch_open_received_bytes',
      'gauge',
      'Bytes received over connections that are open.',
      total.receivedBytes,
    ],
    [
      'perch_open_received_messages',
      'gauge',
      'Messages received over open connections.',
      total.receivedMessages,
    ],
    ['perch_open_sent_bytes', 'gauge', 'Bytes sent over connections that are open.', total.sentBytes],
    ['perch_open_sent_messages', 'gauge', 'Messages sent over open connections.', total.sentMessages],
    [
      'perch_open_dropped_messages',
      'gauge',
      'Messages left out for slow viewers that are open.',
      total.droppedMessages,
    ],
    ['perch_backlog_bytes', 'gauge', 'Bytes sent and not confirmed, or waiting.', total.backlog],
    ['process_cpu_seconds_total', 'counter', 'Processor time used.', (cpu.user + cpu.system) / 1e6],
    ['process_resident_memory_bytes', 'gauge', 'Memory in use.', memory.rss],
    ['nodejs_heap_used_bytes', 'gauge', 'JavaScript heap in use.', memory.heapUsed],
    ['nodejs_external_bytes', 'gauge', 'Buffers in use.', memory.external + memory.arrayBuffers],
  ];
  return rows
    .map(([name, type, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`)
    .join('');
}
