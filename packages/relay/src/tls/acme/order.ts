import { Agent } from 'node:https';
import { type AbortSignalLike, type Clock, millis, sleep } from '@perch/runtime';
import type { Client, Order } from 'acme-client';
import { RelayError } from '../../errors.ts';
import { newKeyPair } from '../ca.ts';
import type { ServerCertificate } from '../certificate.ts';
import type { Proof, Prover } from './prover.ts';

/** Let's Encrypt. */
export const DEFAULT_DIRECTORY = 'https://acme-v02.api.letsencrypt.org/directory';

/** How long one question to the ACME server may take, ms. */
const CALL_TIMEOUT_MS = 30_000;
/** How often an order is looked at, and for how long. */
const LOOK_EVERY = millis(1_000);
const LOOKS = 120;

export interface OrderOptions {
  /** Address of the ACME server's directory. */
  readonly directory: string;
  /** PEM certificates that the ACME server's own HTTPS is trusted by, in place of the usual ones. */
  readonly directoryCa?: string;
  readonly names: readonly string[];
  /** Whom the ACME server may write to. */
  readonly email?: string;
  /** The account's private key, PEM. */
  readonly accountKey: () => Promise<string>;
  readonly prover: Prover;
  readonly clock: Clock;
  readonly signal: AbortSignalLike;
}

/**
 * Gets one certificate (RFC 8555), with a key of its own. What proves that the names are ours can be found meanwhile, and
 * no longer.
 *
 * @throws {RelayError} `certificate-refused` with what the ACME server says, in its own words.
 */
export async function orderCertificate(options: OrderOptions): Promise<ServerCertificate> {
  const { prover, names, email } = options;
  const proofs: Proof[] = [];
  const agent = new AcmeAgent(options.directoryCa);
  const giveUp = () => agent.destroy();
  options.signal.addEventListener('abort', giveUp);
  try {
    const { client, crypto } = await connect(options, agent);
    await client.createAccount({
      termsOfServiceAgreed: true,
      ...(email !== undefined && { contact: [`mailto:${email}`] }),
    });
    const order = await client.createOrder({
      identifiers: names.map((value) => ({ type: 'dns', value })),
    });
    for (const authorization of await client.getAuthorizations(order)) {
      if (authorization.status === 'valid') continue;
      const { value: name } = authorization.identifier;
      const challenge = authorization.challenges.find(({ type }) => type === prover.challenge);
      if (!challenge) throw new Error(`it does not offer ${prover.challenge} for ${name}`);
      const keyAuthorization = await client.getChallengeKeyAuthorization(challenge);
      const proof = { name, token: challenge.token, keyAuthorization };
      proofs.push(proof);
      await prover.offer(proof);
      await client.completeChallenge(challenge);
    }
    const ready = await settled(client, order, ['pending'], options);
    const key = newKeyPair().privateKey;
    const [, request] = await crypto.createCsr({ altNames: [...names] }, key);
    const finalized = await client.finalizeOrder(ready, request);
    const done = await settled(client, finalized, ['ready', 'processing'], options);
    return { cert: await client.getCertificate(done), key };
  } catch (error) {
    if (error instanceof RelayError) throw error;
    throw new RelayError(
      'certificate-refused',
      `${new URL(options.directory).host} gives no certificate for ${names.join(', ')}: ${wordsOf(error, agent)}`,
      { cause: error },
    );
  } finally {
    options.signal.removeEventListener('abort', giveUp);
    agent.destroy();
    for (const proof of proofs) await prover.withdraw(proof).catch(() => undefined); // it ends by itself
  }
}

/**
 * The way to the ACME server, by a proxy where the environment names one. Remembers why it could not be gone; once it is
 * destroyed nothing goes it any more.
 */
class AcmeAgent extends Agent {
  failure: Error | undefined;
  #isDestroyed = false;

  constructor(ca: string | undefined) {
    super({ proxyEnv: process.env, ...(ca !== undefined && { ca }) });
  }

  override createConnection(...args: Parameters<Agent['createConnection']>) {
    const socket = super.createConnection(...args);
    socket?.on('error', (error) => {
      this.failure = error;
    });
    if (this.#isDestroyed) socket?.destroy();
    return socket;
  }

  override destroy(): void {
    this.#isDestroyed = true;
    super.destroy();
  }
}

async function connect({ directory, accountKey }: OrderOptions, httpsAgent: AcmeAgent) {
  const acme = await import('acme-client');
  // The library has one HTTP client in a process, and would try again by itself: that is the renewal's business.
  Object.assign(acme.axios.defaults, {
    timeout: CALL_TIMEOUT_MS,
    proxy: false,
    httpsAgent,
    acmeSettings: { retryMaxAttempts: 0 },
  });
  const client = new acme.Client({ directoryUrl: directory, accountKey: await accountKey() });
  return { client, crypto: acme.crypto };
}

/** The order once it is in none of these states any more. RFC 8555 7.1.6: pending, ready, processing, valid or invalid. */
async function settled(
  client: Client,
  order: Order,
  passing: readonly string[],
  { clock, signal }: OrderOptions,
): Promise<Order> {
  for (let looks = 0; looks < LOOKS; looks++) {
    const now = await client.getOrder(order);
    if (now.status === 'invalid') throw new Error(await whyInvalid(client, now));
    if (!passing.includes(now.status)) return now;
    await sleep(clock, LOOK_EVERY, signal);
  }
  throw new Error(`the order is not done after ${(LOOKS * LOOK_EVERY) / 60_000} minutes`);
}

/** What the ACME server found wrong, per name. */
async function whyInvalid(client: Client, order: Order): Promise<string> {
  const words = (await client.getAuthorizations(order)).flatMap(({ identifier, challenges }) =>
    challenges.flatMap((challenge) => {
      const detail = (challenge.error as { detail?: unknown } | undefined)?.detail;
      return typeof detail === 'string' ? [`${identifier.value}: ${detail}`] : [];
    }),
  );
  return words.join('; ') || 'the order was found invalid';
}

/** Where there was no answer at all the library (5.4) stumbles over that, in a TypeError that says nothing. */
function wordsOf(error: unknown, agent: AcmeAgent): string {
  if (error instanceof TypeError) return agent.failure?.message ?? 'it does not answer';
  return error instanceof Error ? error.message : String(error);
}
