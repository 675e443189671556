import { createReadStream, type ReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { ZipFile } from 'yazl';

/** A file that goes into an archive. */
export interface Archived {
  readonly path: string;
  /** In the archive. */
  readonly name: string;
  readonly bytes: number;
}

/** An archive on its way. Who destroys the stream ends it: no file stays open. */
export interface Archive {
  readonly stream: Readable;
  /** Of all of it. */
  readonly bytes: number;
}

/**
 * Files as they are, one after the other, in a ZIP that is made as it is read: nothing of it is kept. Films do not get
 * smaller, so nothing is compressed; so its length is known before it begins. ZIP64 where it has to be.
 *
 * @param note a text that goes in first.
 * @param changed the files' time of change.
 */
export async function archive(
  files: readonly Archived[],
  {
    note,
    changed,
  }: { readonly note: { readonly name: string; readonly text: string }; readonly changed: Date },
): Promise<Archive> {
  const zip = new ZipFile();
  const stream = zip.outputStream as Readable;
  let current: ReadStream | undefined;
  const as = { compress: false, mtime: changed, mode: 0o100644 };
  zip.addBuffer(Buffer.from(note.text), note.name, as);
  for (const { path, name, bytes } of files) {
    zip.addReadStreamLazy(name, { ...as, size: bytes }, (take) => {
      if (stream.destroyed) return;
      current = createReadStream(path);
      // A film may be deleted while it is fetched.
      current.once('error', (error) => stream.destroy(error));
      take(null, current);
    });
  }
  zip.on('error', (error: Error) => stream.destroy(error));
  stream.once('close', () => current?.destroy());
  const bytes = await new Promise<number>((resolve) => {
    // The types know nothing of the argument.
    zip.end({ forceZip64Format: false, comment: '' }, ((total: number) => resolve(total)) as () => void);
  });
  return { stream, bytes };
}
