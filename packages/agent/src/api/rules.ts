import type { RuleList } from '@perch/protocol';
import type { Clock } from '@perch/runtime';
import { RuleError, ruleStatuses } from '../rules/errors.ts';
import { type RuleOperationsOptions, ruleOperations } from '../rules/operations.ts';
import { json, refuse } from './answer.ts';
import { BodyError, readJson } from './body.ts';
import type { Handler } from './router.ts';

export interface RuleHandlersOptions extends RuleOperationsOptions {
  readonly clock: Clock;
}

/** What answers the requests for one list of rules. */
export interface RuleHandlers {
  readonly list: Handler;
  readonly show: Handler;
  readonly put: Handler;
  readonly remove: Handler;
}

/** The REST side of the rules (COMPAT 1.2, 1.3), one handler for each row. */
export function ruleHandlers(options: RuleHandlersOptions): Readonly<Record<RuleList, RuleHandlers>> {
  const operations = ruleOperations(options);
  const handlers = (list: RuleList): RuleHandlers => ({
    list: answering(() => operations[list].list()),
    show: answering((_, name) => operations[list].show(name)),
    put: answering(async (request) => operations[list].put(await readJson(request, options.clock))),
    remove: answering((_, name) => operations[list].remove(name)),
  });
  return {
    streams: handlers('streams'),
    destinations: handlers('destinations'),
    feeds: handlers('feeds'),
    motion: handlers('motion'),
  };
}

const answering =
  (answer: (request: Parameters<Handler>[0], name: string) => unknown): Handler =>
  async (request, response, name) => {
    try {
      json(response, await answer(request, name));
    } catch (error) {
      if (error instanceof BodyError) refuse(response, error.status, error.message);
      else if (error instanceof RuleError) refuse(response, ruleStatuses[error.code], error.message);
      else throw error;
    }
  };
