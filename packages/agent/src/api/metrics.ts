import type { Stats } from './stats.ts';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** The same figures as `/api/stats`, in Prometheus' text format 0.0.4. */
export function formatMetrics({ feeds, streams, destinations, members, sources, control }: Stats): string {
  const byFeed = (value: (feed: Stats['feeds'][number]) => number): Sample[] =>
    feeds.map((feed) => [{ feed: feed.feed }, value(feed)]);
  const byStream = (value: (stream: Stats['streams'][number]) => number): Sample[] =>
    streams.map((stream) => [{ stream: stream.stream }, value(stream)]);
  const byDestination = (value: (destination: Stats['destinations'][number]) => number): Sample[] =>
    destinations.map((destination) => [
      { id: destination.id, stream: destination.stream },
      value(destination),
    ]);
  const bySource = (value: (source: Stats['sources'][number]) => number): Sample[] =>
    sources.map((source) => [{ source: source.source }, value(source)]);
  return [
    family(
      'perch_agent_feed_bytes_total',
      'counter',
      'Bytes that came in.',
      byFeed((feed) => feed.bytes),
    ),
    family(
      'perch_agent_feed_messages_total',
      'counter',
      'Messages that came in.',
      byFeed((feed) => feed.messages),
    ),
    family(
      'perch_agent_feed_publishers',
      'gauge',
      'Who publishes now.',
      byFeed((feed) => feed.publishers),
    ),
    family(
      'perch_agent_feed_takers',
      'gauge',
      'Who takes now.',
      byFeed((feed) => feed.takers),
    ),
    family(
      'perch_agent_feed_restarts_total',
      'counter',
      'Times its time stamps began anew.',
      byFeed((feed) => feed.restarts),
    ),
    family(
      'perch_agent_feed_losses_total',
      'counter',
      'Places where packets are missing.',
      byFeed((feed) => feed.losses),
    ),
    family(
      'perch_agent_stream_bytes_total',
      'counter',
      'Bytes of the program that went out.',
      byStream((stream) => stream.bytes),
    ),
    family(
      'perch_agent_stream_takers',
      'gauge',
      'Who takes now.',
      byStream((stream) => stream.takers),
    ),
    family(
      'perch_agent_stream_tracks',
      'gauge',
      'Tracks on the wire.',
      byStream((stream) => stream.tracks.length),
    ),
    family(
      'perch_agent_stream_alternative',
      'gauge',
      'Which alternative is on, 0 the best.',
      byStream((stream) => stream.alternative ?? 0),
    ),
    family(
      'perch_agent_destination_open',
      'gauge',
      '1 while connected.',
      byDestination(({ state }) => (state === 'open' ? 1 : 0)),
    ),
    family(
      'perch_agent_destination_bytes_total',
      'counter',
      'Bytes sent.',
      byDestination(({ bytes }) => bytes),
    ),
    family(
      'perch_agent_destination_messages_total',
      'counter',
      'Messages sent.',
      byDestination(({ messages }) => messages),
    ),
    family(
      'perch_agent_destination_frames_total',
      'counter',
      'Pictures sent.',
      byDestination(({ frames }) => frames),
    ),
    family(
      'perch_agent_destination_dropped_messages_total',
      'counter',
      'Messages left out.',
      byDestination(({ dropped }) => dropped.messages),
    ),
    family(
      'perch_agent_destination_dropped_bytes_total',
      'counter',
      'Bytes left out.',
      byDestination(({ dropped }) => dropped.bytes),
    ),
    family(
      'perch_agent_destination_reconnects_total',
      'counter',
      'Connections opened again.',
      byDestination(({ reconnects }) => reconnects),
    ),
    family(
      'perch_agent_connected',
      'gauge',
      '1 while an enrolled device is connected to a relay.',
      control ? [[{}, control.relay === null ? 0 : 1]] : [],
    ),
    family('perch_agent_members', 'gauge', 'WebSockets on /ws.', [[{}, members.length]]),
    family(
      'perch_agent_source_running',
      'gauge',
      '1 while it runs.',
      bySource(({ state }) => (state === 'running' ? 1 : 0)),
    ),
    family(
      'perch_agent_source_restarts_total',
      'counter',
      'Times started again.',
      bySource(({ restarts }) => restarts),
    ),
  ].join('');
}

function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${formatLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escaped(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

const escaped = (value: string): string => value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
