import { RuleError } from './errors.ts';
import {
  API_RULE,
  DELETE_ALL,
  decodeDestinationRule,
  decodeStreamRule,
  fields,
  meansAll,
  noDestination,
} from './rule.ts';
import { shownDestination, shownDestinations, shownStreams } from './shown.ts';
import type { RuleStore } from './store.ts';

const UNRECOGNISED = 'Unrecognised Command';

/** Most commands that may wait for an answer; further ones are answered `busy`. */
const COMMANDS_WAITING = 256;

/**
 * The JSON commands of topic `api` (COMPAT 1.5). Commands are carried out one after the other, so that answers come
 * in the order of the questions.
 */
export class ControlChannel {
  readonly #store: RuleStore;
  readonly #reply: (text: string) => void;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: { readonly store: RuleStore; reply(text: string): void }) {
    this.#store = options.store;
    this.#reply = options.reply;
  }

  /** Takes one message of the topic. The reply comes later, and to everybody on the topic. */
  take(message: string): void {
    const command = parse(message);
    // Another agent's answer on a shared topic: answering it would start a quarrel without end.
    if (command?.('error') !== undefined) return;
    if (this.#waiting >= COMMANDS_WAITING) {
      this.#reply(JSON.stringify({ error: 'busy: too many commands at once, wait for the answers' }));
      return;
    }
    this.#waiting += 1;
    // `#answer` turns each failure into a reply.
    this.#last = this.#last.then(async () => {
      const reply = await this.#answer(command);
      this.#waiting -= 1;
      this.#reply(JSON.stringify(reply));
    });
  }

  /** Resolves when every command taken so far is answered. */
  drain(): Promise<void> {
    return this.#last;
  }

  async #answer(command: ((name: string) => unknown) | undefined): Promise<object> {
    if (!command) return { error: UNRECOGNISED };
    const verb = command('verb');
    const what = command('what');
    const which = command('which');
    try {
      if (verb === 'healthcheck') return { healthcheck: 'ok' };
      if (what !== 'stream' && what !== 'destination') return { error: UNRECOGNISED };
      if (verb === 'add') return await this.#add(what, command('rule'));
      if (typeof which !== 'string' || which === '') return { error: UNRECOGNISED };
      if (verb === 'list') return this.#list(what, which);
      if (verb === 'delete') return await this.#delete(what, which);
      return { error: UNRECOGNISED };
    } catch (error) {
      // One command's failure is an answer, never the end of the channel.
      return { error: (error as Error).message };
    }
  }

  async #add(what: 'stream' | 'destination', given: unknown): Promise<object> {
    if (given === undefined || given === null) throw new RuleError('bad-rule', '`add` needs a `rule`');
    if (what === 'stream') {
      const rule = decodeStreamRule(given);
      await this.#store.putStream(rule);
      return rule;
    }
    const rule = decodeDestinationRule(given);
    // Whoever is on the topic may be anywhere: the far end of VW_API is.
    await this.#store.putDestination(rule, 'network');
    return rule;
  }

  #list(what: 'stream' | 'destination', which: string): object {
    const { streams, destinations } = this.#store.current;
    if (what === 'stream') {
      if (which === 'all') return shownStreams(streams);
      return { feeds: streams.get(which)?.feeds ?? null };
    }
    if (which === 'all') return shownDestinations(this.#store);
    const rule = destinations.get(which);
    return rule ? shownDestination(rule, this.#store) : noDestination;
  }

  async #delete(what: 'stream' | 'destination', which: string): Promise<object> {
    if (what === 'stream') await this.#store.deleteStream(which);
    else if (which === API_RULE) return { error: 'Cannot delete apiRule' };
    else await this.#store.deleteDestination(which);
    return { deleted: meansAll(which) ? DELETE_ALL : which };
  }
}

/** The command's fields by name, or `undefined` where it is no JSON object. */
function parse(message: string): ((name: string) => unknown) | undefined {
  try {
    return fields(JSON.parse(message), 'a command');
  } catch {
    return undefined; // the answer says what happens to such a message
  }
}
