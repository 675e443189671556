import { channelLimits } from '@perch/protocol';
import { checkRelays, type RelayList, type RelayListFile } from './relay-list.ts';
import { RequestError } from './session.ts';

/** The relays that an agent may connect to: those of its enrolment, or those that it was moved to. On disk before they count. */
export class KeptRelays {
  readonly #file: RelayListFile;
  #list: RelayList;
  /** Changes are made and written one after the other. */
  #saving: Promise<void> = Promise.resolve();

  /** @param options.relays of the enrolment, the best first. */
  constructor(options: { readonly relays: readonly string[]; readonly file: RelayListFile }) {
    this.#file = options.file;
    this.#list = { relays: options.relays, before: [] };
  }

  /** Takes up a list that was given later. @throws {AgentError} `relays-corrupt` */
  async load(): Promise<void> {
    this.#list = (await this.#file.load()) ?? this.#list;
  }

  /** Those that it is to connect to, the best first. */
  get relays(): readonly string[] {
    return this.#list.relays;
  }

  /** All that it may try: those of before its move come last. */
  get candidates(): readonly string[] {
    return [...new Set([...this.#list.relays, ...this.#list.before])];
  }

  /**
   * Takes another list. Resolves with it when it would survive a power cut.
   *
   * @param at the relay that the agent is connected to: it stays the first choice among those of before.
   * @throws {RequestError} `bad-relays`, or `not-saved`: then the old list counts.
   */
  async move(given: readonly string[], at: string | undefined): Promise<readonly string[]> {
    const relays = checkRelays(given);
    try {
      await this.#change(() => {
        const known = at === undefined ? this.candidates : [at, ...this.candidates];
        const before = [...new Set(known)].filter((relay) => !relays.includes(relay));
        const isHere = at !== undefined && relays.includes(at);
        return { relays, before: isHere ? [] : before.slice(0, channelLimits.relays) };
      });
    } catch (cause) {
      const message = `the list of relays was not taken, because it could not be written: ${(cause as Error).message}`;
      throw new RequestError({ status: 507, code: 'not-saved', message }, { cause });
    }
    return relays;
  }

  /** This relay has us. If it is one that we were moved to, those of before are not needed any more. Rejects where that could not be written. */
  settle(relay: string): Promise<void> {
    if (this.#list.before.length === 0) return Promise.resolve();
    return this.#change((list) => (list.relays.includes(relay) ? { ...list, before: [] } : list));
  }

  /** Resolves when nothing is being written any more. */
  drain(): Promise<void> {
    return this.#saving;
  }

  #change(change: (list: RelayList) => RelayList): Promise<void> {
    const changed = this.#saving.then(async () => {
      const list = change(this.#list);
      if (list !== this.#list) await this.#file.save(list);
      this.#list = list;
    });
    this.#saving = changed.catch(() => {
      // whoever asked for it is told
    });
    return changed;
  }
}
