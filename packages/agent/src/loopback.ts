/** Whether binding to this host keeps an agent to its own machine, and dialling it stays there. */
export function isLoopback(host: string): boolean {
  const name = bareHost(host);
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
  );
}

/** A host in lower case, without the brackets of an IPv6 address and without a final dot. */
export const bareHost = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
