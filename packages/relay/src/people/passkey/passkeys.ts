import type { Clock } from '@perch/runtime';
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import type { Database } from '../../storage/database.ts';
import type { User } from '../user.ts';
import { CHALLENGE_LIFE, Challenges } from './challenges.ts';
import type { Passkey } from './passkey.ts';
import { PasskeyTable } from './passkey-table.ts';

// https://www.w3.org/TR/webauthn-3/: the browser makes sure that a passkey is used on the site only that it was made
// on; the relay, that it signs what it was asked to a moment ago.

/** COSE's numbers for Ed25519, ES256 and RS256: every authenticator knows one of them. */
const ALGORITHMS = [-8, -7, -257] as const;

/** Under which address the person sees the relay. */
export interface Site {
  readonly origin: string;
  /** The relying party's id. */
  readonly hostname: string;
}

/** What the browser is to ask the person for, and the secret for its cookie. */
export interface Question<T> {
  readonly options: T;
  readonly secret: string;
}

/** Signing in by passkeys that the person picks: they know whose they are, so no name is asked for. */
export class Passkeys {
  readonly #clock: Clock;
  readonly #table: PasskeyTable;
  readonly #challenges: Challenges;

  constructor(options: { database: Database; clock: Clock }) {
    this.#clock = options.clock;
    this.#table = new PasskeyTable(options);
    this.#challenges = new Challenges(options);
  }

  list(user: string): Promise<Passkey[]> {
    return this.#table.list(user);
  }

  remove(id: string, user: string): Promise<Passkey | undefined> {
    return this.#table.remove(id, user);
  }

  /** Asks for any passkey of this site. */
  async askToShow(site: Site): Promise<Question<PublicKeyCredentialRequestOptionsJSON>> {
    const options = await generateAuthenticationOptions({
      rpID: site.hostname,
      timeout: CHALLENGE_LIFE,
      userVerification: 'required',
    });
    return {
      options,
      secret: await this.#challenges.issue({ challenge: options.challenge, user: undefined }),
    };
  }

  /** Checks what was shown. @returns whose it is; or why not, in words for the audit. */
  async show(site: Site, secret: string, response: unknown): Promise<Passkey | string> {
    const challenge = await this.#challenges.spend(secret);
    if (!challenge || challenge.user !== undefined) return 'no challenge was pending in this browser';
    const { id } = response as AuthenticationResponseJSON;
    const passkey = typeof id === 'string' ? await this.#table.find(id) : undefined;
    if (!passkey) return 'a passkey that nobody has';
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: response as AuthenticationResponseJSON,
        expectedChallenge: challenge.challenge,
        expectedOrigin: site.origin,
        expectedRPID: site.hostname,
        requireUserVerification: true,
        credential: {
          id: passkey.id,
          publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
          counter: passkey.counter,
        },
      });
      if (!verified) return 'a signature that is not the passkey’s';
      // 7.2, step 6: whom the authenticator says that it signs in.
      const { userHandle } = (response as AuthenticationResponseJSON).response;
      if (userHandle !== undefined && Buffer.from(userHandle, 'base64url').toString() !== passkey.user) {
        return 'a passkey that says that it is of somebody else';
      }
      const isFirst = await this.#table.used(passkey, authenticationInfo.newCounter, this.#now);
      return isFirst ? passkey : 'a passkey that was used twice at once';
    } catch (error) {
      return wordsOf(error);
    }
  }

  /** Asks for a new passkey of somebody; not on a device that has one of his already. */
  async askToMake(site: Site, user: User): Promise<Question<PublicKeyCredentialCreationOptionsJSON>> {
    const passkeys = await this.#table.list(user.id);
    const options = await generateRegistrationOptions({
      rpName: 'Perch',
      rpID: site.hostname,
      userName: user.name,
      userDisplayName: user.name,
      userID: new Uint8Array(Buffer.from(user.id)),
      timeout: CHALLENGE_LIFE,
      attestationType: 'none',
      supportedAlgorithmIDs: [...ALGORITHMS],
      excludeCredentials: passkeys.map(({ id, transports }) => ({ id, transports: [...transports] })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    return { options, secret: await this.#challenges.issue({ challenge: options.challenge, user: user.id }) };
  }

  /** Checks and keeps what was made. @returns it; or why not, in words. */
  async make(
    site: Site,
    secret: string,
    { user, name, response }: { readonly user: User; readonly name: string; readonly response: unknown },
  ): Promise<Passkey | string> {
    const challenge = await this.#challenges.spend(secret);
    if (challenge?.user !== user.id) return 'no challenge is pending in this browser; begin again';
    try {
      const { verified, registrationInfo } = await verifyRegistrationResponse({
        response: response as RegistrationResponseJSON,
        expectedChallenge: challenge.challenge,
        expectedOrigin: site.origin,
        expectedRPID: site.hostname,
        requireUserVerification: true,
        supportedAlgorithmIDs: [...ALGORITHMS],
      });
      if (!verified) return 'this is no passkey';
      const { credential } = registrationInfo;
      const passkey: Passkey = {
        id: credential.id,
        user: user.id,
        name,
        publicKey: Buffer.from(credential.publicKey).toString('base64url'),
        counter: credential.counter,
        transports: (credential.transports ?? []).filter((word) => /^[a-z-]{1,20}$/.test(word)).slice(0, 10),
        created: this.#now,
        lastUsed: undefined,
      };
      return (await this.#table.add(passkey)) ? passkey : 'it is there already, or there are too many';
    } catch (error) {
      return wordsOf(error);
    }
  }

  get #now(): number {
    return Math.floor(this.#clock.wall());
  }
}

/** The library throws where a response is not what it must be; it quotes what was sent, which may be long. */
const wordsOf = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).slice(0, 200);
