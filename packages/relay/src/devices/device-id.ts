import { randomInt } from 'node:crypto';

/** Without those that look like others. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';
const MOST_OF_NAME = 24;

/**
 * A new device's id: one segment of topic names, made of what people call it and four random characters, `kitchen-x7k2`.
 */
export function newDeviceId(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MOST_OF_NAME)
    .replace(/^-+|-+$/g, '');
  return `${plain || 'device'}-${Array.from({ length: 4 }, randomLetter).join('')}`;
}

const randomLetter = (): string => LETTERS.charAt(randomInt(LETTERS.length));
