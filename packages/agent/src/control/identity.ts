/** How a device shows a relay who it is. */
export interface DeviceIdentity {
  /** Headers of the upgrade to this address: made anew for each, as a challenge is answered once. Rejects where there are none. */
  headers(url: string): Promise<Readonly<Record<string, string>>>;
  /** Certificate and key in PEM, and what to trust, for a relay that ends TLS itself. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: readonly string[] };
  /** Shows itself to these relays too: the device has been moved there. */
  alsoAt(relays: readonly string[]): void;
  /** Learns what time it is by a relay, in milliseconds since 1970. */
  readonly skew: { heard(time: number): void };
}
