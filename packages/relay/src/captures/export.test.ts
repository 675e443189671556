import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { archive } from './export.ts';

const directory = mkdtempSync(join(tmpdir(), 'perch-export-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const note = { name: 'capture.json', text: '{"id":"ä"}\n' };
const changed = new Date(1_795_000_000_000);

/** A file of so many bytes that takes no room. */
function large(name: string, bytes: number): { path: string; name: string; bytes: number } {
  const path = join(directory, name);
  const file = openSync(path, 'w');
  ftruncateSync(file, bytes);
  closeSync(file);
  return { path, name, bytes };
}

/** Which files of ours this process has open. */
const open = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(join('/proc/self/fd', fd));
      return path.startsWith(directory) ? [path] : [];
    } catch {
      return []; // it was closed meanwhile
    }
  });

describe('an archive', () => {
  it('has every byte, in the order of the files, and is as long as it said', async () => {
    const files = [3_000_000, 0, 1].map((bytes, i) => {
      const path = join(directory, `f${i}`);
      writeFileSync(path, randomBytes(bytes));
      return { path, name: `pir.1.${i}.mp4`, bytes };
    });
    const { stream, bytes } = await archive(files, { note, changed });
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    assert.equal(Buffer.concat(parts).length, bytes);
    const zip = join(directory, 'a.zip');
    writeFileSync(zip, Buffer.concat(parts));
    const script = `import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None
print([i.filename for i in z.infolist()]); z.extractall(sys.argv[2])`;
    const listed = execFileSync('python3', ['-c', script, zip, join(directory, 'out')]).toString();
    assert.equal(listed, "['capture.json', 'pir.1.0.mp4', 'pir.1.1.mp4', 'pir.1.2.mp4']\n");
    for (const { path, name } of files)
      assert.deepEqual(readFileSync(join(directory, 'out', name)), readFileSync(path));
    assert.equal(readFileSync(join(directory, 'out/capture.json'), 'utf8'), note.text);
  });

  it('may be larger than 4 GiB, and is read only as fast as somebody takes it', async () => {
    const files = [large('one', 3 * 2 ** 30), large('two', 3 * 2 ** 30)];
    const { stream, bytes } = await archive(files, { note, changed });
    assert.ok(bytes > 6 * 2 ** 30 && bytes < 6 * 2 ** 30 + 1_000, String(bytes));
    const before = process.memoryUsage().rss;
    stream.resume();
    await once(stream, 'data');
    stream.pause();
    while (open().length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(stream.readableLength < 1_000_000, String(stream.readableLength));
    assert.ok(process.memoryUsage().rss - before < 100e6);
    assert.deepEqual(open(), [join(directory, 'one')]);
    stream.destroy();
    await once(stream, 'close');
    while (open().length > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it('breaks off where a file is gone: it is not whole, and does not say that it is', async () => {
    const files = [large('there', 100), { path: join(directory, 'gone'), name: 'gone', bytes: 100 }];
    const { stream } = await archive(files, { note, changed });
    stream.resume();
    const [error] = (await once(stream, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ENOENT');
    assert.equal(stream.destroyed, true);
  });
});
