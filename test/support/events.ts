/** A server-sent event whose data is JSON. */
export interface HeardEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Events {
  /** All so far. */
  readonly heard: readonly HeardEvent[];
  /** The first one, of those that came and that come, of which this is true. */
  until(wanted: (event: HeardEvent) => boolean): Promise<HeardEvent>;
  /** Resolves when the stream has ended, however. */
  readonly closed: Promise<void>;
}

/** Reads a stream of server-sent events (HTML standard, 9.2), as far as ours go. */
export function readEvents(answer: Response): Events {
  if (!answer.ok || !answer.body) throw new Error(`no events: HTTP ${answer.status}`);
  const heard: HeardEvent[] = [];
  const wake: (() => void)[] = [];
  const read = async (body: AsyncIterable<Uint8Array>) => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const bytes of body) {
      text += decoder.decode(bytes, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
        if (event !== undefined && data !== undefined) heard.push({ event, data: JSON.parse(data) });
      }
      for (const each of wake.splice(0)) each();
    }
  };
  const closed = read(answer.body).catch(() => undefined);
  return {
    heard,
    closed,
    async until(wanted) {
      for (;;) {
        const found = heard.find(wanted);
        if (found) return found;
        await new Promise<void>((resolve) => wake.push(resolve));
      }
    },
  };
}
