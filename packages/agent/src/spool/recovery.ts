import { SpoolError } from './errors.ts';
import type { SpoolRoom } from './room.ts';
import { fromStoredName, type StoredName } from './stored-name.ts';
import { PART, readAgain } from './take-file.ts';

/**
 * Makes what lies in the folder and what the book says one, after a crash: files without a record are taken back, those
 * of rows that have left are removed, rows without a file are told lost, and films that were not over are ended.
 *
 * @param boot of this run of the machine. Where it is known to be another than the last, the power may have failed: a file
 * without a record may then hold anything, so it is told lost; but not where the book is damaged, since it may have been
 * promised.
 */
export async function recover(room: SpoolRoom, boot: string | undefined): Promise<void> {
  const { book } = room;
  const before = book.ledger.boot;
  const isOtherBoot = boot !== undefined && before !== undefined && boot !== before;
  await reconcile(room, !isOtherBoot || book.isDamaged);
  await endOpenFilms(room);
  if (boot !== undefined && boot !== before) await book.write({ k: 'boot', id: boot });
}

async function reconcile(room: SpoolRoom, isToTakeBack: boolean): Promise<void> {
  const { book, folder, losses, logger } = room;
  const { ledger, doneAtStart } = book;
  for await (const file of folder.names()) {
    const name = fromStoredName(file);
    if (!name) {
      if (file.endsWith(PART) || file === 'journal.next') await folder.remove(file);
      continue;
    }
    ledger.see(name.n);
    const row = ledger.rows.get(name.n);
    if (row) row.isFound = true;
    else if (doneAtStart.has(name.n)) await folder.remove(file);
    else if (!isToTakeBack) await giveUpUnsynced(room, file, name);
    else await takeBack(room, file, name);
  }
  doneAtStart.clear();
  for (const row of ledger.rows.values()) {
    if (row.isFound) continue;
    await losses.lose(row, 'its file is gone from the spool');
  }
  if (ledger.rows.size > 0)
    logger.info('captures wait to be sent', { segments: ledger.rows.size, bytes: ledger.bytes });
}

/** A file whose record was not written before the end: the camera program may have deleted its own already. */
async function takeBack(
  { book, folder, clock, logger }: SpoolRoom,
  file: string,
  { n, capture, segment, extension }: StoredName,
): Promise<void> {
  const path = folder.pathOf(file);
  try {
    const { size, sha256, modified } = await readAgain(folder.files, path, path);
    const stored = { capture, segment, extension, size, sha256, modified, file, taken: clock.wall() };
    // Its name may not be on the disk yet: it was found, which is no promise.
    await folder.syncNames();
    await book.write({ k: 'segment', n, segment: stored, found: true });
    const row = book.ledger.rows.get(n);
    if (row) row.isFound = true;
    logger.info('a segment was taken back after a crash', { capture: capture.id, segment });
  } catch (error) {
    if (!(error instanceof SpoolError) || error.code === 'spool-failed' || error.code === 'spool-full')
      throw error;
    // Empty or unreadable: nothing of it was ever promised.
    logger.warn('a file in the spool was left by a crash, and is of no use', { file, error: error.message });
    await folder.remove(file);
  }
}

/** It was being taken as the machine went down, and was not promised yet. */
async function giveUpUnsynced({ losses, folder }: SpoolRoom, file: string, name: StoredName): Promise<void> {
  const reason = 'the machine went down before it was safe on the disk';
  await losses.missed(name.capture, name.segment, reason);
  await folder.remove(file);
}

/** No connection outlives the agent, so what was being filmed then is over. */
async function endOpenFilms({ book, news }: SpoolRoom): Promise<void> {
  const open = [...book.ledger.captures.values()].filter(({ isOpen }) => isOpen);
  await Promise.all(
    open.map(({ name: capture, gone, pending }) =>
      book.note({ kind: 'end', capture, segments: gone + pending }),
    ),
  );
  if (open.length > 0) news.emit('waiting', undefined);
}
