export { decodeAgentMessage } from './decode-agent-message.ts';
export { decodeRelayMessage } from './decode-relay-message.ts';
export {
  type CameraCommand,
  cameraCommands,
  isRequestKind,
  type Repeat,
  type RequestBody,
  type RequestKind,
  type RuleList,
  requestKinds,
  ruleLists,
} from './kinds.ts';
export { channelLimits } from './limits.ts';
export {
  type AgentMessage,
  encodeChannel,
  PERCH_AGENT_1,
  type RelayMessage,
  type RequestFailure,
  type RequestId,
} from './messages.ts';
export {
  applyChanges,
  type DeviceState,
  noState,
  type StateChanges,
  StateDiffer,
  type StateItem,
  type StateItems,
  type StateList,
  stateSize,
} from './state.ts';
