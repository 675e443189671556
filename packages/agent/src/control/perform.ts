import { type CameraCommand, type RequestBody, type RuleList, ruleLists } from '@perch/protocol';
import { RuleError, ruleStatuses } from '../rules/errors.ts';
import { type RuleOperationsOptions, ruleOperations } from '../rules/operations.ts';
import { type DoRequest, RequestError } from './session.ts';

export interface PerformOptions extends Omit<RuleOperationsOptions, 'origin'> {
  /** Tells the camera program. Without it there is none. */
  readonly command?: (command: CameraCommand) => Promise<void>;
}

/** Does what a relay asks of a device: with the checks, and in the words, of the agent's own HTTP API. */
export function makePerform(options: PerformOptions): DoRequest {
  const rules = ruleOperations({ ...options, origin: 'network' });
  return async (body) => {
    try {
      if (body.kind === 'command') return await tellCamera(options, body.command);
      if (body.kind === 'relays.move') throw new TypeError('relays.move: the connection itself does this');
      return await changeRules(rules, body);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      const { code, message } = error;
      throw new RequestError({ status: ruleStatuses[code], code, message }, { cause: error });
    }
  };
}

type RuleRequest = Exclude<RequestBody, { kind: 'command' | 'relays.move' }>;

function changeRules(rules: ReturnType<typeof ruleOperations>, body: RuleRequest): unknown {
  const list = ruleLists.find((each) => body.kind.startsWith(`${each}.`)) as RuleList;
  if ('rule' in body) return rules[list].put(body.rule);
  if (!('name' in body)) return rules[list].list();
  return body.kind.endsWith('.delete') ? rules[list].remove(body.name) : rules[list].show(body.name);
}

async function tellCamera({ command }: PerformOptions, what: CameraCommand): Promise<void> {
  if (command) return command(what);
  const message = 'no camera program is connected to this agent: start it with --cam_sock or --cam_addr';
  throw new RequestError({ status: 501, code: 'unsupported', message });
}
