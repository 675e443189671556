import { dirname, join } from 'node:path';
import type { Files, OpenFile } from '../store/files.ts';

interface Node {
  bytes: Buffer;
  /** What a power cut leaves. */
  synced: Buffer;
  modified: number;
}

const fault = (code: string, path: string) => Object.assign(new Error(`${code}: ${path}`), { code });

/**
 * A disk in memory that loses what was not synced: bytes without `sync` of their file, names without `syncDirectory`. It
 * keeps any part of them, as a real one may.
 */
export class FragileDisk implements Files {
  /** Said before each operation; what it throws is what the disk throws. */
  onOperation: (operation: string, path: string) => void = () => undefined;
  freeBytes = Number.MAX_SAFE_INTEGER;
  now = 0;
  #names = new Map<string, Node | 'directory'>([['/', 'directory']]);
  /** Directory → its names as they are on the disk. */
  #synced = new Map<string, Map<string, Node | 'directory'>>();
  /** Files that were opened before the power was cut write to nothing. */
  #age = 0;

  /** Cuts the power. @param random from 0 to 1: which of what was not synced is there all the same. */
  cutPower(random: () => number): void {
    this.#age++;
    const names = new Map<string, Node | 'directory'>([['/', 'directory']]);
    const restore = (directory: string) => {
      const now = this.#childrenOf(directory);
      const before = this.#synced.get(directory) ?? new Map<string, Node | 'directory'>();
      for (const name of new Set([...now.keys(), ...before.keys()])) {
        const was = before.get(name);
        const is = now.get(name);
        const left = was === is || random() < 0.5 ? was : is;
        if (left === undefined) continue;
        const path = join(directory, name);
        names.set(path, left);
        if (left === 'directory') restore(path);
        else left.bytes = tear(left, random);
      }
    };
    restore('/');
    this.#names = names;
    for (const node of names.values()) if (node !== 'directory') node.synced = Buffer.from(node.bytes);
    this.#synced = new Map(
      [...names].flatMap(([path, node]) =>
        node === 'directory' ? [[path, this.#childrenOf(path)] as const] : [],
      ),
    );
  }

  bytesOf(path: string): Buffer | undefined {
    const node = this.#names.get(path);
    return node === 'directory' ? undefined : node?.bytes;
  }

  get paths(): string[] {
    return [...this.#names].flatMap(([path, node]) => (node === 'directory' ? [] : [path]));
  }

  async makeDirectory(path: string): Promise<string | undefined> {
    this.onOperation('makeDirectory', path);
    if (this.#names.has(path)) return undefined;
    const first = await this.makeDirectory(dirname(path));
    this.#names.set(path, 'directory');
    return first ?? path;
  }

  async open(path: string): Promise<OpenFile> {
    this.onOperation('open', path);
    if (!this.#names.has(dirname(path))) throw fault('ENOENT', path);
    let node = this.#names.get(path);
    if (node === 'directory') throw fault('EISDIR', path);
    if (!node) {
      node = { bytes: Buffer.alloc(0), synced: Buffer.alloc(0), modified: this.now };
      this.#names.set(path, node);
    }
    return this.#openNode(node, path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.onOperation('rename', to);
    const node = this.#names.get(from);
    if (!node || !this.#names.has(dirname(to))) throw fault('ENOENT', from);
    this.#names.delete(from);
    this.#names.set(to, node);
  }

  async remove(path: string): Promise<void> {
    this.onOperation('remove', path);
    for (const name of [...this.#names.keys()]) {
      if (name === path || name.startsWith(`${path}/`)) this.#names.delete(name);
    }
  }

  async facts(path: string): Promise<{ size: number; modified: number } | undefined> {
    const node = this.#names.get(path);
    return node && node !== 'directory' ? { size: node.bytes.length, modified: node.modified } : undefined;
  }

  async list(path: string): Promise<string[]> {
    return [...this.#childrenOf(path).keys()];
  }

  async syncDirectory(path: string): Promise<void> {
    this.onOperation('syncDirectory', path);
    this.#synced.set(path, this.#childrenOf(path));
  }

  async free(): Promise<number> {
    return this.freeBytes;
  }

  #childrenOf(directory: string): Map<string, Node | 'directory'> {
    const children = [...this.#names].filter(([path]) => path !== '/' && dirname(path) === directory);
    return new Map(children.map(([path, node]) => [path.slice(path.lastIndexOf('/') + 1), node]));
  }

  #openNode(node: Node, path: string): OpenFile {
    const age = this.#age;
    const operate = (operation: string) => {
      this.onOperation(operation, path);
      if (age !== this.#age) throw fault('EIO', path);
      node.modified = this.now;
    };
    return {
      size: async () => node.bytes.length,
      read: async (into, position) => node.bytes.copy(into, 0, position),
      write: async (parts, position) => {
        operate('write');
        const added = Buffer.concat([...parts]);
        const bytes = Buffer.alloc(Math.max(node.bytes.length, position + added.length));
        node.bytes.copy(bytes);
        added.copy(bytes, position);
        node.bytes = bytes;
      },
      truncate: async (size) => {
        operate('truncate');
        node.bytes = Buffer.from(node.bytes.subarray(0, size));
      },
      sync: async () => {
        operate('sync');
        node.synced = Buffer.from(node.bytes);
      },
      close: async () => undefined,
    };
  }
}

/** What was not synced: gone, there, or of the right length with zeros in it, as file systems do. */
function tear({ bytes, synced }: Node, random: () => number): Buffer {
  if (bytes.equals(synced)) return bytes;
  const choice = random();
  if (choice < 0.3) return Buffer.from(synced);
  if (choice < 0.5) return bytes;
  const torn = Buffer.alloc(bytes.length);
  bytes.copy(torn, 0, 0, Math.floor(random() * bytes.length));
  synced.copy(torn, 0, 0, Math.min(synced.length, torn.length));
  return torn;
}
