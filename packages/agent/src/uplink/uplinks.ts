import type { DestinationRule } from '../rules/rule.ts';
import { Uplink, type UplinkOptions, type UplinkPressure } from './uplink.ts';

/** Keeps one uplink for each destination rule, as the rules come and go. */
export class Uplinks {
  readonly #parts: Omit<UplinkOptions, 'rule'>;
  readonly #byId = new Map<string, Uplink>();
  /** On their way out. */
  readonly #closing = new Set<Promise<void>>();

  constructor(parts: Omit<UplinkOptions, 'rule'>) {
    this.#parts = parts;
  }

  [Symbol.iterator](): Iterator<Uplink> {
    return this.#byId.values();
  }

  /**
   * The rules that hold from now on. A rule that was replaced, even by an equal one, is a new object: the new one is
   * dialled at once, and when it is open and media can go on there the old one is closed with 1000 (COMPAT 1.3).
   */
  setRules(rules: ReadonlyMap<string, DestinationRule>): void {
    for (const [id, uplink] of this.#byId) {
      const rule = rules.get(id);
      if (rule === uplink.wanted) continue;
      if (rule) {
        uplink.move(rule);
        continue;
      }
      this.#byId.delete(id);
      this.#release(uplink);
    }
    for (const [id, rule] of rules) {
      if (this.#byId.has(id)) continue;
      const uplink = new Uplink({ ...this.#parts, rule });
      this.#byId.set(id, uplink);
      uplink.start();
    }
  }

  /** How the way out of a stream stands: the worst of its destinations. Undefined while it is sent nowhere. */
  pressure(stream: string): UplinkPressure | undefined {
    let worst: UplinkPressure | undefined;
    for (const uplink of this.#byId.values()) {
      if (uplink.rule.stream !== stream) continue;
      const { pressure } = uplink;
      if (!pressure) continue;
      worst = worst
        ? {
            delayMs: Math.max(worst.delayMs, pressure.delayMs),
            droppedMessages: worst.droppedMessages + pressure.droppedMessages,
            bitRate: Math.min(worst.bitRate, pressure.bitRate),
          }
        : pressure;
    }
    return worst;
  }

  async close(): Promise<void> {
    this.setRules(new Map());
    await Promise.all(this.#closing);
  }

  #release(uplink: Uplink): void {
    const closing = uplink.close('deleted').finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
