// What a module exports, read from its text: our sources keep one form for each kind of export.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A symbol that a module exports, and where it is declared. */
export interface Exported {
  /** As users call it. */
  readonly name: string;
  /** As it is called where it is declared. */
  readonly local: string;
  readonly file: string;
}

/** `export { a, type B as C } from './d.ts';`, also without `from`, and `export * from './d.ts';` */
const LISTS = /^export\s+(?:type\s+)?(?:\{([^}]*)\}|\*)(?:\s+from\s+'([^']+)')?;/gm;
const DECLARATIONS =
  /^export\s+(?:declare\s+|abstract\s+|async\s+|default\s+)*(?:class|function\*?|const|let|type|interface)\s+([\w$]+)/gm;

/**
 * The symbols that `file` exports, each with the file of this package that declares it. What comes from another package
 * is left out: that one answers for it.
 */
export function exportsOf(file: string): Exported[] {
  const text = readFileSync(file, 'utf8');
  const found: Exported[] = [];
  for (const [, name = ''] of text.matchAll(DECLARATIONS)) found.push({ name, local: name, file });
  for (const [, list, from] of text.matchAll(LISTS)) {
    if (from !== undefined && !from.startsWith('.')) continue;
    const source = from === undefined ? file : path.join(path.dirname(file), from);
    if (!existsSync(source)) continue;
    if (list === undefined) found.push(...exportsOf(source));
    else
      found.push(
        ...namesIn(list).map(({ name, local }) => declared(name, local, source, from === undefined)),
      );
  }
  return found;
}

/** Where `local` is declared: in `source`, or in what `source` has it from. */
function declared(name: string, local: string, source: string, own: boolean): Exported {
  const inner = own ? undefined : exportsOf(source).find((one) => one.name === local);
  return inner ? { ...inner, name } : { name, local, file: source };
}

function namesIn(list: string): { name: string; local: string }[] {
  return list
    .split(',')
    .map((item) => item.trim().replace(/^type\s+/, ''))
    .filter((item) => item !== '')
    .map((item) => {
      const [local = '', name = local] = item.split(/\s+as\s+/);
      return { name, local };
    });
}

/** Whether a declaration in a source text has a docblock right before it; undefined if there is no such declaration. */
export function hasDocblock(text: string, local: string): boolean | undefined {
  const name = local.replaceAll('$', '\\$');
  const declaration = new RegExp(
    `^(?:export\\s+)?(?:declare\\s+|abstract\\s+|async\\s+|default\\s+)*(?:class|function\\*?|const|let|type|interface)\\s+${name}(?![\\w$])`,
    'm',
  );
  const at = text.search(declaration);
  if (at < 0) return undefined;
  const before = text.slice(0, at).trimEnd();
  // The text of a docblock holds no end of a comment, so the last begin before belongs to it.
  return before.endsWith('*/') && before.lastIndexOf('/**') > before.lastIndexOf('*/', before.length - 3);
}
