import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whom an address stands for: of IPv4 itself, of IPv6 the /64 that one line has, from which it may pick at will. */
export function addressKey(address: string): string {
  const plain = address.replace(/%.*$/, '');
  if (isIP(plain) === 0) return address;
  const parsed = ipaddr.process(plain);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return ipaddr.fromByteArray([...parsed.toByteArray().slice(0, 8), ...Array<number>(8).fill(0)]).toString();
}
