const RETRY_MS = 3_000;

type Listener = (event: MessageEvent<string>) => void;

/**
 * Server-sent events of one address: one connection for all who listen, as a browser has only six for a relay without
 * HTTP/2. It is open while the page is seen and somebody listens. The browser connects again by itself; after an answer
 * that is no stream of events it is tried again in 3 s. Whenever it has opened it tells `again`, as the relay does where it
 * left something out: what happened before is to be asked for.
 */
export class EventLine {
  static readonly #lines = new Map<string, EventLine>();
  readonly #path: string;
  readonly #listeners = new Map<string, Set<Listener>>();
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #follow = () => {
    this.#close();
    if (document.visibilityState === 'visible') this.#open();
  };

  /** Tells of the events of one kind at a path, until what is returned is disposed of. */
  static listen(path: string, kind: string, listener: Listener): Disposable {
    const line = EventLine.#lines.get(path) ?? new EventLine(path);
    EventLine.#lines.set(path, line);
    line.#add(kind, listener);
    return { [Symbol.dispose]: () => line.#remove(kind, listener) };
  }

  private constructor(path: string) {
    this.#path = path;
    document.addEventListener('visibilitychange', this.#follow);
    this.#follow();
  }

  #add(kind: string, listener: Listener): void {
    const known = this.#listeners.get(kind);
    if (known) return void known.add(listener);
    this.#listeners.set(kind, new Set([listener]));
    this.#source?.addEventListener(kind, this.#tell);
  }

  #remove(kind: string, listener: Listener): void {
    this.#listeners.get(kind)?.delete(listener);
    if ([...this.#listeners.values()].some(({ size }) => size > 0)) return;
    EventLine.#lines.delete(this.#path);
    document.removeEventListener('visibilitychange', this.#follow);
    this.#close();
  }

  readonly #tell = (event: MessageEvent<string>) => {
    for (const listener of this.#listeners.get(event.type) ?? []) listener(event);
  };

  #open(): void {
    const source = new EventSource(this.#path);
    this.#source = source;
    for (const kind of this.#listeners.keys()) source.addEventListener(kind, this.#tell);
    source.addEventListener('open', () => this.#tell(new MessageEvent('again', { data: '{}' })));
    source.addEventListener('error', () => {
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(this.#follow, RETRY_MS);
    });
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }
}
