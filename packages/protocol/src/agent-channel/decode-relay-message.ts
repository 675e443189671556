import { amount, Fields, listOf, oneOf, present, text, truth, whole } from './fields.ts';
import { cameraCommands, isRequestKind, type RequestBody } from './kinds.ts';
import { channelLimits } from './limits.ts';
import type { RelayMessage } from './messages.ts';

/**
 * Decodes what a relay says.
 *
 * @returns `undefined` for a type of a later version. A request of a kind that is not known is one all the same: it must
 *   be answered.
 * @throws {ProtocolError} `bad-agent-message`, naming what is wrong.
 */
export function decodeRelayMessage(message: string): RelayMessage | undefined {
  const fields = new Fields(message);
  const { type } = fields;
  switch (type) {
    case 'welcome': {
      const session = fields.read('session', text(100));
      const device = fields.read('device', text(256));
      return {
        type,
        session,
        device,
        foreign: fields.read('foreign', whole),
        now: fields.read('now', amount),
      };
    }
    case 'request': {
      const id = fields.read('id', whole);
      const within = fields.read('within', amount);
      const named = fields.read('kind', text(100));
      const body = readBody(fields, named);
      return body ? { type, id, within, ...body } : { type, id, within, kind: 'unknown', named };
    }
    case 'ask':
    case 'heard':
      return { type, id: fields.read('id', whole) };
    case 'watch':
      return { type, someone: fields.read('someone', truth) };
    case 'rival':
    case 'replaced':
      return { type, from: fields.read('from', text(1_000)) };
    default:
      return undefined;
  }
}

function readBody(fields: Fields, kind: string): RequestBody | undefined {
  if (!isRequestKind(kind)) return undefined;
  switch (kind) {
    case 'streams.list':
    case 'destinations.list':
    case 'feeds.list':
    case 'motion.list':
      return { kind };
    case 'streams.show':
    case 'streams.delete':
    case 'destinations.show':
    case 'destinations.delete':
    case 'feeds.show':
    case 'feeds.delete':
    case 'motion.show':
    case 'motion.delete':
      return { kind, name: fields.read('name', text(4_096)) };
    case 'streams.put':
    case 'destinations.put':
    case 'feeds.put':
    case 'motion.put':
      return { kind, rule: fields.read('rule', present) };
    case 'relays.move':
      return { kind, relays: fields.read('relays', listOf(text(2_048), channelLimits.relays)) };
    case 'command':
      return { kind, command: fields.read('command', oneOf(cameraCommands)) };
  }
}
