import type { Value } from './database.ts';

// What the main thread and the thread that holds the SQLite file say to each other. One request is on its way at a time.

/** What the thread is started with. */
export interface SqliteStart {
  readonly path: string;
  /** How long to wait for another process's lock. */
  readonly busyTimeoutMs: number;
  /** Look through the whole file for damage before anything is done with it. */
  readonly check: boolean;
}

export interface Statement {
  readonly sql: string;
  readonly values: readonly Value[];
  /** Whether rows are wanted, or their count. */
  readonly wants: 'rows' | 'changes';
}

export type SqliteRequest =
  /** Independent statements: each succeeds or fails by itself, and one sync of the disk serves all of them. */
  | { readonly kind: 'group'; readonly statements: readonly Statement[] }
  /** One statement as it is, `BEGIN` and `COMMIT` too. */
  | { readonly kind: 'plain'; readonly statement: Statement }
  | { readonly kind: 'close' };

/** An error in a form that crosses threads. */
export interface Fault {
  /** SQLite's result code, with its extension in the upper bits. */
  readonly sqlite?: number;
  /** The system's name for it. */
  readonly system?: string;
  readonly message: string;
}

export type Outcome =
  | { readonly rows: readonly Readonly<Record<string, unknown>>[]; readonly changes: number }
  | { readonly fault: Fault };

export type SqliteReply =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly fault: Fault }
  | { readonly kind: 'done'; readonly outcomes: readonly Outcome[] };
