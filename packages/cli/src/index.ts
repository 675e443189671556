export { runInspect } from './inspect/index.ts';
export { runPerch } from './program.ts';
export type { Terminal } from './terminal.ts';
