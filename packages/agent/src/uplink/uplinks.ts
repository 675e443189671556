import type { DestinationRule } from '../rules/rule.ts';
import { Uplink, type UplinkOptions } from './uplink.ts';

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
   * The rules that hold from now on. A rule that was replaced, even by an equal one, is a new object: the old
   * connection is closed with 1000 and the new one dialled at once (COMPAT 1.3).
   */
  setRules(rules: ReadonlyMap<string, DestinationRule>): void {
    for (const [id, uplink] of this.#byId) {
      if (rules.get(id) === uplink.rule) continue;
      this.#byId.delete(id);
      this.#release(uplink, rules.has(id) ? 'replaced' : 'deleted');
    }
    for (const [id, rule] of rules) {
      if (this.#byId.has(id)) continue;
      const uplink = new Uplink({ ...this.#parts, rule });
      this.#byId.set(id, uplink);
      uplink.start();
    }
  }

  async close(): Promise<void> {
    this.setRules(new Map());
    await Promise.all(this.#closing);
  }

  #release(uplink: Uplink, reason: string): void {
    const closing = uplink.close(reason).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
