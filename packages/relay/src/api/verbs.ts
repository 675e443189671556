import type { PermitRow } from './permit.ts';

/** Which verbs the routes know for a path: for a fair 405. */
export function verbsOf(rows: readonly PermitRow[], path: string): readonly string[] {
  const known = rows.filter(({ method, url }) => method !== 'OPTIONS' && covers(url, path));
  return [...new Set(known.map(({ method }) => method))].sort();
}

/** Whether a route's pattern covers a path: `:name` stands for a segment, `*` for all that follows. */
function covers(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const isOpen = wanted.at(-1) === '*';
  if (isOpen ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every(
    (segment, i) => segment === '*' || (segment.startsWith(':') ? given[i] !== '' : segment === given[i]),
  );
}
