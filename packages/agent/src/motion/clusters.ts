import { BLOCKS } from './picture.ts';

const { columns, rows, count } = BLOCKS;

/** Something that is where nothing was: blocks that touch, also at a corner. */
export interface Cluster {
  readonly blocks: number;
  /** Those of them in which something has just changed. */
  readonly moving: number;
}

const stack = new Uint16Array(count);
const seen = new Uint8Array(count);

/** The clusters of all blocks that are `active`; `moving` says where something has just changed. */
export function clusters(active: Uint8Array, moving: Uint8Array): Cluster[] {
  seen.fill(0);
  const found: Cluster[] = [];
  for (let block = 0; block < count; block++)
    if (active[block] === 1 && seen[block] === 0) found.push(gather(block, active, moving));
  return found;
}

function gather(first: number, active: Uint8Array, moving: Uint8Array): Cluster {
  let [blocks, changed, waiting] = [0, 0, 1];
  stack[0] = first;
  seen[first] = 1;
  while (waiting > 0) {
    const block = stack[--waiting] as number;
    blocks += 1;
    changed += moving[block] as number;
    const [column, row] = [block % columns, Math.floor(block / columns)];
    for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
      for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
        const next = y * columns + x;
        if (active[next] !== 1 || seen[next] === 1) continue;
        seen[next] = 1;
        stack[waiting++] = next;
      }
    }
  }
  return { blocks, moving: changed };
}
