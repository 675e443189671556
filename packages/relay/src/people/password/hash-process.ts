import { constants, setPriority } from 'node:os';
import type { HashReply, HashRequest } from './hash-messages.ts';
import { scrypt } from './scrypt.ts';

// A process of its own for passwords: it takes whole cores and 128 MiB for a while, and media must not wait for it. It
// ends when the relay does.

try {
  // On Linux this is for the calling thread, so the hash is made on it too.
  setPriority(constants.priority.PRIORITY_LOW);
} catch {
  // where a system does not let a process be nicer, it hashes all the same
}

process.on('message', ({ password, salt, ...cost }: HashRequest) => {
  const reply: HashReply = { hash: scrypt(password, Buffer.from(salt, 'base64'), cost).toString('base64') };
  process.send?.(reply);
});
process.on('disconnect', () => process.exit());
// Ctrl-C in a terminal goes to all of its processes; the relay says when it is over.
process.on('SIGINT', () => undefined);
