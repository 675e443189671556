/**
 * What a file imports, by name: static, dynamic and type imports, and re-exports. Reads the text, so code inside a
 * string may be taken for an import where it begins a line.
 */
export function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const patterns = [
    /^[ \t]*(?:import|export)\b(?:[^'"`;()]*?\bfrom\s*|\s*)['"]([^'"\n]+)['"]/gm,
    /\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g,
  ];
  return [
    ...new Set(patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] as string))),
  ];
}
