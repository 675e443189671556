import { Peer } from './relay.ts';

export interface Answer {
  readonly status: number;
  /** Of JSON; of anything else `undefined`. */
  readonly body: unknown;
  readonly headers: Headers;
}

/** What a browser is to a relay: it keeps cookies, and says which page asks. */
export class Browser {
  readonly url: string;
  readonly #cookies = new Map<string, string>();

  /** @param relay whose page it has open. */
  constructor(relay: { readonly url: string }) {
    this.url = relay.url;
  }

  /** A browser that was signed in by a link. */
  static async signedIn(relay: { readonly url: string }, link: string): Promise<Browser> {
    const browser = new Browser(relay);
    const { status } = await browser.post('/api/v1/sign-in', { secret: new URL(link).hash.slice(1) });
    if (status !== 204) throw new Error(`signing in: ${status}`);
    return browser;
  }

  get headers(): Record<string, string> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return { Origin: this.url, ...(cookie !== '' && { Cookie: cookie }) };
  }

  get = (path: string): Promise<Answer> => this.ask('GET', path);
  post = (path: string, body: unknown = {}): Promise<Answer> => this.ask('POST', path, body);
  put = (path: string, body: unknown): Promise<Answer> => this.ask('PUT', path, body);
  patch = (path: string, body: unknown): Promise<Answer> => this.ask('PATCH', path, body);
  delete = (path: string): Promise<Answer> => this.ask('DELETE', path);

  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        'User-Agent': 'browser of the test',
        ...this.headers,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';', 1);
      const at = pair.indexOf('=');
      if (/Max-Age=0\b/.test(line)) this.#cookies.delete(pair.slice(0, at));
      else this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const isJson = answer.headers.get('content-type')?.includes('json') ?? false;
    const text = await answer.text();
    return {
      status: answer.status,
      body: isJson && text !== '' ? JSON.parse(text) : undefined,
      headers: answer.headers,
    };
  }

  /** Opens a WebSocket as a page does. Rejects with `HTTP <status>`. */
  open(path: string): Promise<Peer> {
    return Peer.open(this.url + path, { headers: this.headers });
  }
}
