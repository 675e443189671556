import { amount, Fields, isRecord, oneOf, present, type Shape, text, whole } from './fields.ts';
import type { AgentMessage, RequestFailure } from './messages.ts';
import { itemName, type ListChanges, type StateChanges, type StateItem, stateLists } from './state.ts';

/**
 * Decodes what an agent says.
 *
 * @returns `undefined` for a type of a later version.
 * @throws {ProtocolError} `bad-agent-message`, naming what is wrong.
 */
export function decodeAgentMessage(message: string): AgentMessage | undefined {
  const fields = new Fields(message);
  const { type } = fields;
  switch (type) {
    case 'hello': {
      const boot = fields.read('boot', text(100));
      return { type, boot, software: fields.read('software', text(100)), now: fields.read('now', amount) };
    }
    case 'begun':
      return { type, id: fields.read('id', whole) };
    case 'result': {
      const id = fields.read('id', whole);
      if (fields.has('error')) return { type, id, error: fields.read('error', failure) };
      return { type, id, value: fields.read('value', present) };
    }
    case 'about': {
      const is = fields.read('is', fate);
      return { type, id: fields.read('id', whole), is };
    }
    case 'state':
      return { type, changes: fields.read('changes', stateChanges) };
    default:
      return undefined;
  }
}

const fate = oneOf(['begun', 'not-begun', 'forgotten'] as const);

const failure: Shape<RequestFailure> = {
  words: 'a status from 400 to 599, a code and a message',
  fits: (value): value is RequestFailure =>
    isRecord(value) &&
    Number.isInteger(value.status) &&
    Number(value.status) >= 400 &&
    Number(value.status) <= 599 &&
    text(100).fits(value.code) &&
    text(10_000).fits(value.message),
};

const stateChanges: Shape<StateChanges> = {
  words: `changes of ${Object.keys(stateLists).join(', ')}: lists of items with names \`set\`, lists of names \`gone\``,
  fits: (value): value is StateChanges =>
    isRecord(value) &&
    (value.leftOut === undefined || whole.fits(value.leftOut)) &&
    listNames.every((list) => value[list] === undefined || isListChanges(list, value[list])),
};

const listNames = Object.keys(stateLists) as readonly (keyof typeof stateLists)[];

const isListChanges = (list: keyof typeof stateLists, value: unknown): value is ListChanges =>
  isRecord(value) &&
  (value.gone === undefined || (Array.isArray(value.gone) && value.gone.every(isName))) &&
  (value.set === undefined ||
    (Array.isArray(value.set) && value.set.every((item) => isRecord(item) && hasName(list, item))));

const isName = (value: unknown): value is string => text(1_000).fits(value);
const hasName = (list: keyof typeof stateLists, item: StateItem): boolean =>
  typeof item[stateLists[list]] === 'string' && isName(itemName(list, item));
