import type { Relay } from '../../../packages/relay/src/index.ts';

/** A browser in which an owner of the first household is signed in. */
export class Owner {
  readonly #url: string;
  readonly #cookie: string;

  private constructor(url: string, cookie: string) {
    this.#url = url;
    this.#cookie = cookie;
  }

  static async signIn(relay: Pick<Relay, 'url' | 'signInLink'>): Promise<Owner> {
    const secret = (await relay.signInLink()).split('#')[1];
    const answer = await fetch(`${relay.url}/api/v1/sign-in`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: relay.url },
      body: JSON.stringify({ secret }),
    });
    const cookie = answer.headers.get('set-cookie')?.split(';')[0];
    if (!cookie) throw new Error(`no sign-in: HTTP ${answer.status} ${await answer.text()}`);
    return new Owner(relay.url, cookie);
  }

  /** Asks the relay's API: `/api/v1/` and `path`. */
  fetch(
    path: string,
    options: { method?: string; body?: unknown; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const { method = 'GET', body, signal } = options;
    return fetch(`${this.#url}/api/v1/${path}`, {
      method,
      headers: {
        Cookie: this.#cookie,
        Origin: this.#url,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  }

  async json<T>(path: string, options: { method?: string; body?: unknown } = {}): Promise<T> {
    const answer = await this.fetch(path, options);
    if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** The audit's latest lines, with this act. */
  async audit(what: string): Promise<{ device?: string; detail?: string }[]> {
    const { entries } = await this.json<{ entries: { what: string; device?: string; detail?: string }[] }>(
      'audit',
    );
    return entries.filter((entry) => entry.what === what);
  }

  /** The data of each `state` event of a device; ends when the relay ends the stream. */
  events(device: string): AsyncGenerator<Shown> {
    return this.#eventsOf<Shown>('state', device);
  }

  /** The same of its `camera` events. */
  cameraEvents(device: string): AsyncGenerator<ShownCamera> {
    return this.#eventsOf<ShownCamera>('camera', device);
  }

  /** The first of a row of events of which something holds. */
  static async first<T>(events: AsyncGenerator<T>, holds: (event: T) => boolean): Promise<T> {
    for await (const event of events) if (holds(event)) return event;
    throw new Error('the events ended');
  }

  async *#eventsOf<T>(name: string, device: string): AsyncGenerator<T> {
    const answer = await this.fetch(`devices/${device}/events`);
    if (!answer.ok || !answer.body) throw new Error(`events: HTTP ${answer.status}`);
    let text = '';
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const [, is, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
        if (is === name && data !== undefined) yield JSON.parse(data) as T;
      }
    }
  }
}

/** What the API says of a device's state. */
export interface Shown {
  readonly online: boolean;
  readonly at: string | null;
  readonly state: null | {
    readonly feeds: readonly { readonly feed: string; readonly publishers: number }[];
    readonly streams: readonly { readonly stream: string; readonly feeds: readonly string[] }[];
    readonly destinations: readonly { readonly id: string; readonly destination: string }[];
  };
}

/** What the API says of a device's camera. */
export interface ShownCamera {
  readonly armed: {
    readonly wanted: boolean | null;
    readonly known: boolean | null;
    readonly by: string | null;
    readonly at: string | null;
  };
  readonly problem: string | null;
  readonly zone: string | null;
  readonly schedule: null | { readonly zone: string; readonly isOn: boolean; readonly next: string | null };
  readonly last: readonly ShownCommand[];
}

/** What it says of a command. */
export interface ShownCommand {
  readonly id: string;
  readonly command: string;
  readonly delivered: string | null;
  readonly handed: string | null;
  readonly failed: string | null;
}
