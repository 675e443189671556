export { InspectError, type InspectErrorCode } from './errors.ts';
export { type InputOptions, openInput } from './input.ts';
export { type InspectOptions, inspect } from './inspect.ts';
export { type RunInspectOptions, runInspect } from './run.ts';
export { renderText } from './text.ts';
