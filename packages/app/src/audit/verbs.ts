/** What stands between who and what, for an act that is over, one that goes on, and one that was refused. */
export interface Verb {
  readonly did: string;
  readonly doing: string;
  readonly refused: string;
}

const verb = (did: string, refused: string, doing = did): Verb => ({ did, refused, doing });

/** Words for what can be done. For acts that are not here {@link plainVerb} has some. */
export const verbs: Readonly<Record<string, Verb>> = {
  view: verb('saw', 'tried to see', 'sees'),
  listen: verb('heard', 'tried to hear', 'hears'),
  publish: verb('sent', 'tried to send', 'sends'),
  talk: verb('talked through', 'tried to talk through', 'talks through'),
  command: verb('commanded', 'tried to command'),
  call: verb('called', 'tried to call', 'is in a call with'),
  statistics: verb('looked at the figures of', 'tried to look at the figures of', 'looks at the figures of'),
  audit: verb('read this history', 'tried to read this history'),
  request: verb('asked for something', 'asked for what they may not have'),
  limit: verb('was slowed down', 'tried too often, and was slowed down'),
  'sign-in': verb('signed in', 'tried to sign in'),
  'session-end': verb('signed a browser out', 'tried to sign a browser out'),
  'password-set': verb('set their password', 'tried to set a password'),
  'passkey-make': verb('made a passkey', 'tried to make a passkey'),
  'passkey-remove': verb('removed a passkey of theirs', 'tried to remove a passkey'),
  'user-make': verb('took somebody in', 'tried to take somebody in'),
  'user-change': verb('changed who somebody is or what they may', 'tried to change a person'),
  'user-remove': verb('removed somebody', 'tried to remove somebody'),
  'link-make': verb('made a sign-in link', 'tried to make a sign-in link'),
  'invite-make': verb('shared', 'tried to share'),
  'invite-open': verb('opened a shared link to', 'tried to open a shared link'),
  'invite-end': verb('ended a shared link to', 'tried to end a shared link to'),
  'token-make': verb('made a token for', 'tried to make a token for'),
  'token-revoke': verb('ended a token for', 'tried to end a token for'),
  'device-code': verb('made a code for a new device', 'tried to make a code for a device'),
  'device-enrol': verb('added', 'tried to add a device'),
  'device-renew': verb('renewed its certificate', 'tried to renew its certificate'),
  'device-rename': verb('renamed', 'tried to rename'),
  'device-remove': verb('removed', 'tried to remove'),
  'device-online': verb('was online', 'tried to connect', 'is online'),
  'device-rival': verb('connected twice: the older connection was ended', 'tried to connect twice'),
  'device-command': verb('told the camera of', 'tried to tell the camera of'),
  'device-schedule': verb(
    'changed when the camera is armed of',
    'tried to change when the camera is armed of',
  ),
  'device-rules': verb('changed the rules of', 'tried to change the rules of'),
  'device-move': verb('moved', 'tried to move'),
  'household-make': verb('made a household', 'tried to make a household'),
  'capture-begin': verb('began a recording', 'tried to begin a recording'),
  'capture-view': verb(
    'looked at a recording of',
    'tried to look at a recording of',
    'looks at a recording of',
  ),
  'capture-change': verb('changed a recording of', 'tried to change a recording of'),
  'capture-share': verb('shared a recording of', 'tried to open a link to a recording'),
  'capture-remove': verb('deleted a recording of', 'tried to delete a recording of'),
  'push-change': verb('changed what they are told of', 'tried to change what they are told of'),
  backup: verb('made a backup of the relay', 'tried to make a backup of the relay'),
  restore: verb('restored the relay from a backup', 'tried to restore the relay from a backup'),
  'booking-cancel': verb('cancelled a booking', 'tried to cancel a booking'),
  'booking-restore': verb('allowed a booking again', 'tried to allow a booking again'),
  'certificate-change': verb('changed its certificate', 'tried to change its certificate'),
  'relay-run': verb('ran', 'tried to run', 'runs'),
  'notes-lost': verb('lost lines of this history: its database was away', 'lost lines of this history'),
};

/** `invite-make` becomes `did "invite make"`: better than nothing, until the app learns the act. */
export function plainVerb(act: string): Verb {
  const words = act.replaceAll('-', ' ') || 'something';
  return { did: `did “${words}”`, doing: `does “${words}”`, refused: `tried “${words}”` };
}
