/** How a device shows a relay who it is. */
export interface DeviceIdentity {
  /** Headers of the upgrade to this address: made anew for each, as a challenge is answered once. Rejects where there are none. */
  headers(url: string): Promise<Readonly<Record<string, string>>>;
  /** Certificate and key in PEM, and what to trust, for a relay that ends TLS itself. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: readonly string[] };
}
