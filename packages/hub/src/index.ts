export {
  Confirmations,
  type ConfirmationsOptions,
  type Confirmed,
  type Leeway,
  type OnTheWay,
} from './backlog.ts';
export { Batch, type BatchMaker } from './batch.ts';
export { Hub, type HubOptions } from './hub.ts';
export type { HubMark, HubMessage, TopicMessage } from './message.ts';
export {
  type DropCount,
  type DropsByClass,
  type Offer,
  type Queued,
  type QueueLimits,
  TakerQueue,
} from './queue.ts';
export { type Taker, Topic } from './topic.ts';
