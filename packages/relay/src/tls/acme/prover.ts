/** What the ACME server wants to find, to know that a name is ours. */
export interface Proof {
  readonly name: string;
  readonly token: string;
  /** RFC 8555 8.1: the token, and the account's thumbprint. */
  readonly keyAuthorization: string;
}

/** A way to prove that names are ours: where the ACME server looks, and what it finds there. */
export interface Prover {
  readonly challenge: 'http-01' | 'tls-alpn-01';
  /** Lets it be found from now on. */
  offer(proof: Proof): Promise<void>;
  /** Takes it away again. Idempotent. */
  withdraw(proof: Proof): Promise<void>;
}
