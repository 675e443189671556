import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Names that only mean something in a house or on a machine: no certificate for them can fool anybody about a site
 * elsewhere. RFC 6761 (localhost), 6762 (local), 8375 (home.arpa), ICANN 2024 (internal), and what routers hand out.
 */
const HOUSE_NAMES = ['localhost', 'local', 'home.arpa', 'internal', 'lan'];
/** RFC 1918, 6598, 3927, 1122; RFC 4193, 4291. */
const HOUSE_NETWORKS = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1/128',
];

/** RFC 5280 4.2.1.10. */
export const NAME_CONSTRAINTS = '2.5.29.30';

/** Whether an authority that is good for a house and for `further` may sign for `name`, a DNS name or an address. */
export function permits(further: readonly string[], name: string): boolean {
  if (isIP(name)) {
    const address = ipaddr.parse(name);
    return [...HOUSE_NETWORKS, ...further.filter(isIP).map(alone)].some((network) => {
      const [base, bits] = ipaddr.parseCIDR(network);
      return base.kind() === address.kind() && address.match(base, bits);
    });
  }
  return [...HOUSE_NAMES, ...further].some((domain) => name === domain || name.endsWith(`.${domain}`));
}

/**
 * The value of the extension that lets an authority sign for a house and for `further` only, so that whoever steals its
 * key from the relay cannot play anybody's bank.
 *
 * ```
 * NameConstraints ::= SEQUENCE { permittedSubtrees [0] SEQUENCE OF SEQUENCE { base GeneralName } }
 * GeneralName     ::= CHOICE { dNSName [2] IA5String, iPAddress [7] OCTET STRING (address, mask) }
 * ```
 */
export function nameConstraints(further: readonly string[]): Uint8Array<ArrayBuffer> {
  const names = [...HOUSE_NAMES, ...further.filter((name) => !isIP(name))];
  const networks = [...HOUSE_NETWORKS, ...further.filter(isIP).map(alone)];
  const subtrees = [
    ...names.map((name) => der(SEQUENCE, der(0x82, Buffer.from(name, 'latin1')))),
    ...networks.map((network) => der(SEQUENCE, der(0x87, addressAndMask(network)))),
  ];
  return der(SEQUENCE, der(0xa0, Buffer.concat(subtrees)));
}

const SEQUENCE = 0x30;

/** An address as the network that holds nothing else. */
const alone = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`;

function addressAndMask(network: string): Buffer {
  const [base, bits] = ipaddr.parseCIDR(network);
  const bytes = base.toByteArray();
  const mask = bytes.map((_, i) => 0xff & ~(0xff >> Math.min(Math.max(bits - 8 * i, 0), 8)));
  return Buffer.from([...bytes, ...mask]);
}

/** X.690 8.1: tag, definite length, contents. */
function der(tag: number, contents: Uint8Array): Buffer<ArrayBuffer> {
  const length = contents.length;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), contents]);
}
