/** Context of a log line, as JSON-able values. Never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * *error*: someone must act; *warn*: it healed; *info*: one line per lifecycle step; *debug*: the rest.
 * A logger is passed in and carries context; libraries never make one.
 */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** The same logger with more context. */
  child(fields: LogFields): Logger;
}

/** Says nothing. */
export const silentLogger: Logger = {
  error() {
    // silence is its job
  },
  warn() {
    // silence is its job
  },
  info() {
    // silence is its job
  },
  debug() {
    // silence is its job
  },
  child: () => silentLogger,
};
