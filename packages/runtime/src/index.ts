export { Backoff, type BackoffOptions } from './backoff.ts';
export { type AbortSignalLike, type Clock, sleep, systemClock, type Timer } from './clock.ts';
export { Emitter } from './events.ts';
export { type LogFields, type Logger, silentLogger } from './log.ts';
export { type Closeable, Scope } from './scope.ts';
export { type Millis, millis, type Unit } from './unit.ts';
