/** A value of the configuration that cannot be understood: what it must be. The caller adds the key's name. */
export class BadValue extends Error {}

const TIMES: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** Milliseconds of `250ms`, `10s`, `5m`, `1h`, `30d`. @throws {BadValue} */
export function parseDuration(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  const factor = TIMES[unit];
  if (amount === undefined || factor === undefined)
    throw new BadValue(`must be a time such as 250ms, 10s, 5m, 1h or 30d, not "${text}"`);
  return Number(amount) * factor;
}

/** Bytes of `500`, `64k`, `50M`, `1G`, `4Mi`. @throws {BadValue} */
export function parseSize(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kKMG]i?|B)?$/.exec(text.trim()) ?? [];
  const factor = SIZES[unit];
  if (amount === undefined || factor === undefined)
    throw new BadValue(`must be a size such as 64k, 50M or 4Mi, not "${text}"`);
  return Math.round(Number(amount) * factor);
}

/** `1500` as `1500ms`, `5000` as `5s`. */
export const formatDuration = (ms: number): string => (ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`);

/** `4194304` as `4Mi`. */
export const formatSize = (bytes: number): string =>
  bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20}Mi` : String(bytes);

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`. @throws {BadValue} */
export function parseAddress(text: string): Address {
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text.trim()) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined || Number(port) > 65_535) {
    throw new BadValue(
      `must be HOST:PORT such as 127.0.0.1:8080 or [::1]:8080 (port 0 picks a free one), not "${text}"`,
    );
  }
  return { host, port: Number(port) };
}

/** `camera.example`, `192.168.1.20`, `[::1]`, each also with `:PORT`. @throws {BadValue} */
export function parseHost(text: string): { readonly host: string; readonly port?: number } {
  try {
    if (/^(\[[^\]]+\]|[^:]+):\d+$/.test(text)) return parseAddress(text);
    return {
      host: parseAddress(`${text.includes(':') && !text.startsWith('[') ? `[${text}]` : text}:0`).host,
    };
  } catch {
    throw new BadValue(
      `must be a name or an address such as camera.example or 192.168.1.20, with :PORT where it is not the usual one, not "${text}"`,
    );
  }
}

export const formatAddress = ({ host, port }: Address): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** A text that is not repeated where it is wrong. @throws {BadValue} */
export function parseSecret(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new BadValue('must be text; put it in quotes');
}

/** @throws {BadValue} */
export function parseYesOrNo(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(true|t|1|yes)$/i.test(value)) return true;
  if (typeof value === 'string' && /^(false|f|0|no)$/i.test(value)) return false;
  throw new BadValue(`must be true or false, not ${JSON.stringify(value)}`);
}

/** `wss://app.example/relay`, without a slash at its end. @throws {BadValue} */
export function parseWebSocketBase(value: unknown): string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  const isPlain = url && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (isPlain && /^wss?:$/.test(url.protocol)) return url.href.replace(/\/+$/, '');
  throw new BadValue('must be an address such as wss://app.example/relay: where WebSockets reach this relay');
}
