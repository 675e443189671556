import type { Permission, Role } from '../account/me.ts';

/** What each permission lets somebody do. */
export const permissionWords: {
  readonly [K in Permission]: { readonly label: string; readonly hint: string };
} = {
  view: { label: 'See', hint: 'the live picture' },
  listen: { label: 'Hear', hint: 'the live sound' },
  talk: { label: 'Talk', hint: 'through its loudspeaker' },
  command: { label: 'Command', hint: 'move it, arm it, change what it sends' },
  call: { label: 'Call', hint: 'ring it, and be rung' },
  captures: { label: 'Recordings', hint: 'look at and download what it filmed' },
};

export const roleWords: { readonly [K in Role]: { readonly label: string; readonly hint: string } } = {
  owner: { label: 'Owner', hint: 'Everything: people, devices, and what they may do' },
  member: { label: 'Member', hint: 'Uses all devices, and sees the history' },
  guest: { label: 'Guest', hint: 'Only what you allow, device by device' },
};

/** `see and hear`, `everything`, `nothing`. */
export function allowedWords(allowed: readonly Permission[]): string {
  const all = Object.keys(permissionWords).length;
  if (allowed.length === 0) return 'nothing';
  if (allowed.length === all) return 'everything';
  return listWords(allowed.map((permission) => doing[permission]));
}

const doing: { readonly [K in Permission]: string } = {
  view: 'see',
  listen: 'hear',
  talk: 'talk',
  command: 'command',
  call: 'call',
  captures: 'look at recordings',
};

/** `a`, `a and b`, `a, b and c`. */
export const listWords = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
