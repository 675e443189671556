import workletSource from 'perch-player:worklet';

/** How the page's sound stands. */
export type SoundGraphState = 'starting' | 'running' | 'blocked' | 'unsupported';

/** AudioContext → worklet → volume → loudspeaker. The worklet's sound comes from a port that goes to the worker. */
export class SoundGraph {
  /** For the worker. */
  readonly port: MessagePort;
  readonly #context: AudioContext;
  readonly #gain: GainNode;
  readonly #changed: () => void;
  readonly #workletPort: MessagePort;
  #node: AudioWorkletNode | undefined;
  #closed = false;

  /** Whether this page can play sound at all: worklets exist only on secure pages. */
  static get isSupported(): boolean {
    return typeof AudioContext !== 'undefined' && typeof AudioWorkletNode !== 'undefined';
  }

  /** `changed` is called when the state may have changed. */
  constructor(volume: number, changed: () => void) {
    this.#changed = changed;
    this.#context = new AudioContext({ latencyHint: 'interactive' });
    this.#gain = this.#context.createGain();
    this.#gain.gain.value = volume;
    this.#gain.connect(this.#context.destination);
    this.#context.onstatechange = changed;
    const channel = new MessageChannel();
    this.port = channel.port1;
    this.#workletPort = channel.port2;
  }

  /** Loads the worklet. Rejects where the page's policy forbids it. */
  async load(): Promise<void> {
    const url = URL.createObjectURL(new Blob([workletSource], { type: 'text/javascript' }));
    try {
      await this.#context.audioWorklet.addModule(url);
    } finally {
      URL.revokeObjectURL(url);
    }
    if (this.#closed) return;
    this.#node = new AudioWorkletNode(this.#context, 'perch-sound', {
      numberOfInputs: 0,
      outputChannelCount: [2],
    });
    this.#node.port.postMessage(this.#workletPort, [this.#workletPort]);
    this.#node.connect(this.#gain);
    this.#changed();
  }

  get state(): SoundGraphState {
    if (this.#context.state !== 'running') return 'blocked';
    return this.#node ? 'running' : 'starting';
  }

  /** From the worklet to the ear, in ms, as far as the browser knows. */
  get outputLatencyMs(): number {
    return (this.#context.outputLatency ?? this.#context.baseLatency ?? 0) * 1000;
  }

  set volume(volume: number) {
    this.#gain.gain.setTargetAtTime(volume, this.#context.currentTime, 0.015);
  }

  /** Starts sound; outside a tap's handler the browser may refuse, and the state stays `blocked`. */
  resume(): void {
    // Settles when sound is allowed, perhaps never; `statechange` tells.
    this.#context.resume().then(this.#changed, this.#changed);
  }

  suspend(): void {
    this.#context.suspend().then(this.#changed, this.#changed);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#context.onstatechange = null;
    this.#node?.port.postMessage('close');
    this.#node?.disconnect();
    if (this.#context.state !== 'closed') await this.#context.close();
  }
}
