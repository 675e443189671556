/** What a device needs that shall trust this relay's certificate, which no public authority has signed. */
export interface ServerTrust {
  /** Certificate of who signed it, PEM. */
  readonly authority: string;
  /** SHA-256 of that, in hex: short enough for a command line. */
  readonly pin: string;
}

/** @param ca the relay's own authority. */
export const serverTrustOf = (ca: {
  readonly certificate: string;
  readonly fingerprint: string;
}): ServerTrust => ({
  authority: ca.certificate,
  pin: ca.fingerprint.replaceAll(':', '').toLowerCase(),
});
