import type { Heard, Peer } from '../../support/relay.ts';

interface State {
  readonly id: number;
  readonly heartbeat_period: number;
  readonly pir_armed: boolean;
  readonly capture_asap: boolean;
}

const defaults: State = { id: 0, heartbeat_period: 10, pir_armed: false, capture_asap: false };

/**
 * A daemon that does what COMPAT 4.4 says that cloudtalker.py does: state on opening and as the answer to every message,
 * a datagram for each change. Unmodified it films also when `capture_asap` falls; one that was put right does not.
 */
export class OldCloudtalker implements Disposable {
  /** What its camera program got, in order. */
  readonly datagrams: string[] = [];
  readonly peer: Peer;
  #state = defaults;
  #answered = 0;

  constructor(peer: Peer, { isPutRight = false } = {}) {
    this.peer = peer;
    peer.webSocket.on('message', (data, isBinary) => {
      if (!isBinary) this.#take({ ...defaults, ...JSON.parse(String(data)) } as State, isPutRight);
    });
    this.sayState();
  }

  /** What the cloud said, decoded. */
  get heard(): readonly State[] {
    return this.peer.heard.map((text: Heard) => JSON.parse(String(text)) as State);
  }

  sayState(): void {
    this.peer.send(python({ ...this.#state, type: 'state' }));
  }

  say(message: object): void {
    this.peer.send(JSON.stringify(message));
  }

  /** @param cutAfter only so many bytes of it. */
  segment(of: object, number: number, bytes: Buffer, cutAfter = bytes.length): void {
    this.say({ type: 'capture_segment', ...of, seg_no: number });
    const sent = bytes.subarray(0, cutAfter);
    for (let at = 0; at < sent.length; at += 1_300) this.peer.send(sent.subarray(at, at + 1_300));
  }

  /** Resolves when it has answered so many messages of the cloud. */
  async answers(count: number): Promise<void> {
    await this.peer.until(() => this.#answered >= count);
    await this.peer.settled();
  }

  [Symbol.dispose](): void {
    this.peer[Symbol.dispose]();
  }

  #take(state: State, isPutRight: boolean): void {
    const before = this.#state;
    this.#state = state;
    if (state.pir_armed !== before.pir_armed) this.#hand(state.pir_armed ? 'arm' : 'disarm');
    const isCapture = isPutRight
      ? state.capture_asap && !before.capture_asap
      : state.capture_asap !== before.capture_asap;
    if (isCapture) this.#hand('capture');
    this.sayState();
    this.#answered++;
  }

  #hand(command: string): void {
    this.datagrams.push(JSON.stringify({ command }));
  }
}

/** As Python's json writes it, keys sorted. */
const python = (record: object): string =>
  `{${Object.entries(record)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
    .join(', ')}}`;
