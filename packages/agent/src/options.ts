import type { Clock, Logger } from '@perch/runtime';
import type { CaptureOptions } from './captures/index.ts';
import type { MotionRule } from './rules/motion-rule.ts';
import type { SourceOptions } from './sources/source.ts';
import type { OutgoingOptions } from './uplink/dial.ts';
import type { ShareOptions } from './uplink/shared.ts';

/** A destination that the configuration gives: shown by the API, not to be changed there. */
export interface GivenDestination {
  readonly id: string;
  /** A feed, or a stream `stream/…`. */
  readonly stream: string;
  /** ws(s) address, or the http(s) access address of a relay. */
  readonly destination: string;
  readonly token?: string;
  /** `perch.1` where the far end is a Perch relay. */
  readonly protocol?: 'perch.1';
}

/** Feeds that the configuration has filmed when something moves in them: shown by the API, not to be changed there. */
export interface MotionSettings {
  readonly feeds: readonly string[];
  /** What is not as usual. */
  readonly rule?: Partial<Pick<MotionRule, 'sensitivity' | 'beforeMs' | 'afterMs' | 'mostMs'>>;
  /** What decodes pictures, for tests. Default: ffmpeg. */
  readonly decoder?: readonly string[];
}

/** Everything that an agent needs to know. Times in milliseconds. */
export interface AgentOptions {
  /** Port 0 picks a free one. Beyond loopback every caller must show the token in `DIR/agent-token`. */
  readonly listen: { readonly host: string; readonly port: number };
  /** The directory where its state lives; made if need be. */
  readonly data: string;
  /** A further name under which the agent may be called, besides loopback and its address. */
  readonly publicHost?: string;
  /** Origins of pages, besides the agent's own, that may use it, such as `https://lab.example`. */
  readonly allowOrigin?: readonly string[];
  /** Networks (CIDR) whose publishers need no token. */
  readonly trust?: readonly string[];
  /** Far end of a control channel: makes the destination rule `apiRule`. */
  readonly vwApi?: string;
  /** How long closing waits for those connected. Default 5000. */
  readonly httpWaitMs?: number;
  /** Processes to run and supervise. */
  readonly sources?: readonly SourceOptions[];
  readonly destinations?: readonly GivenDestination[];
  /** A relay that gets each feed and stream that no destination rule names, as a topic of the same name. */
  readonly share?: ShareOptions;
  /** Takes films from camera programs, and tells them what to do. Without it there are no captures. */
  readonly captures?: CaptureOptions;
  /** Films feeds when something moves in them. Needs `captures`. */
  readonly motion?: MotionSettings;
  /** Proxy and certificates of outgoing connections. */
  readonly outgoing?: OutgoingOptions;
  /** The built web files (`dist/web`); with them the agent's page shows previews. */
  readonly webRoot?: string;
  readonly logger: Logger;
  /** Default: the machine's. */
  readonly clock?: Clock;
}
