import { knownPermissions, type Permission } from '../account/me.ts';
import { type Answer, ask, segment, tell } from '../http/ask.ts';
import { decodeList, Fields } from '../http/fields.ts';

/** A link that was made for somebody. */
export interface Invite {
  readonly id: string;
  /** The name of whom it was made for. */
  readonly for: string;
  readonly topic: string | undefined;
  readonly device: string | undefined;
  /** To this film of the device alone. */
  readonly capture: string | undefined;
  readonly isCall: boolean;
  readonly permissions: readonly Permission[];
  readonly expires: number | undefined;
  /** It opens once. */
  readonly once: boolean;
  readonly lastOpened: number | undefined;
}

/** What an invite shall be. */
export interface NewInvite {
  readonly for: string;
  readonly topic?: string;
  readonly device?: string;
  readonly permissions: readonly Permission[];
  /** Its life, in seconds. */
  readonly ttl: number;
  readonly once: boolean;
}

/** What an invite that was opened lets its person do. */
export type Opened = Pick<Invite, 'for' | 'topic' | 'device' | 'permissions'>;

/** Understands `GET /api/v1/invites`. */
export const decodeInvites = (value: unknown): Invite[] => decodeList(value, decodeInvite);

function decodeInvite(fields: Fields): Invite | undefined {
  const id = fields.maybeText('id');
  if (id === undefined) return undefined;
  return {
    id,
    for: fields.text('for'),
    topic: fields.maybeText('topic'),
    device: fields.maybeText('device'),
    capture: fields.maybeText('capture'),
    isCall: fields.flag('call'),
    permissions: knownPermissions(fields.texts('permissions')),
    expires: fields.time('expires'),
    once: fields.flag('once'),
    lastOpened: fields.time('lastUsed'),
  };
}

/** Makes a link. It is in the answer and nowhere else. */
export const makeInvite = (invite: NewInvite): Promise<Answer<string>> =>
  ask('/api/v1/invites', (value) => new Fields(value).text('link'), { method: 'POST', body: invite });

/** Ends a link, and what was opened by it. */
export const endInvite = (id: string): Promise<Answer<undefined>> =>
  tell(`/api/v1/invites/${segment(id)}`, { method: 'DELETE' });

/** Opens an invite: from now on this browser is that of whom it was made for. */
export const openInvite = (secret: string): Promise<Answer<Opened>> =>
  ask('/api/v1/invites/open', decodeOpened, { method: 'POST', body: { secret } });

function decodeOpened(value: unknown): Opened {
  const fields = new Fields(value);
  return {
    for: fields.text('for'),
    topic: fields.maybeText('topic'),
    device: fields.maybeText('device'),
    permissions: knownPermissions(fields.texts('permissions')),
  };
}
