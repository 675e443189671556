import type { LogFields, Logger } from '@perch/runtime';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export const logLevels: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

export interface LogOptions {
  /** The least that is said. */
  readonly level: LogLevel;
  /** One JSON object a line; else plain text for people. */
  readonly json: boolean;
  /** Takes whole lines. */
  readonly write: (line: string) => void;
  /** Milliseconds since 1970. Default: the machine's. */
  readonly now?: () => number;
}

/** A logger that writes one line an event. What looks like a secret is never written. */
export function makeLogger(options: LogOptions, context: LogFields = {}): Logger {
  const most = logLevels.indexOf(options.level);
  const say = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (logLevels.indexOf(level) > most) return;
    const time = new Date(options.now?.() ?? Date.now()).toISOString();
    const said = withoutSecrets({ ...context, ...fields });
    options.write(
      options.json
        ? `${JSON.stringify({ time, level, message, ...said })}\n`
        : `${time.slice(11, 19)} ${level.padEnd(5)} ${message}${asText(said)}\n`,
    );
  };
  return {
    error: say('error'),
    warn: say('warn'),
    info: say('info'),
    debug: say('debug'),
    child: (fields) => makeLogger(options, { ...context, ...fields }),
  };
}

const SECRET_KEYS = /^(secret|token|password|authorization|cookie|code|key)$/i;
const HIDDEN = '[hidden]';

function withoutSecrets(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      if (SECRET_KEYS.test(key)) return [key, HIDDEN];
      if (value instanceof Error) return [key, withoutCodes(value.message)];
      return [key, typeof value === 'string' ? withoutCodes(value) : value];
    }),
  );
}

/** One-time codes in addresses, the secrets of sign-in links and invites, and user names with passwords. */
const withoutCodes = (text: string): string =>
  text
    .replace(/([?&](?:code|token|secret)=)[^&\s"']+/gi, `$1${HIDDEN}`)
    .replace(/(\/#(?:\/invite\/)?)[\w-]{16,}/g, `$1${HIDDEN}`)
    .replace(/(:\/\/)[^/@\s]+@/g, `$1${HIDDEN}@`);

/** ` key=value key="two words"`; control characters are escaped, so that a peer's words cannot forge a line. */
function asText(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return ` ${key}=${/^[\w./:@[\]~+-]+$/.test(text ?? '') ? text : JSON.stringify(text)}`;
    })
    .join('');
}
