export {
  Connection,
  type ConnectionEvents,
  type ConnectionOptions,
  type ConnectionState,
  type Greeting,
} from './connection.ts';
export { ClientError, type ClientErrorCode } from './errors.ts';
export { type OpenSessionOptions, openSession } from './session.ts';
export type { FetchLike, OpenSocket, SocketLike } from './socket.ts';
export type { UrlLike } from './url.ts';
