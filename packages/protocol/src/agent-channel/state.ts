/** One feed, stream, destination, source or camera with its figures, as in the agent's `/api/stats`. */
export type StateItem = Readonly<Record<string, unknown>>;

/** The lists of a device's state, each with the field that names its items. */
export const stateLists = {
  feeds: 'feed',
  streams: 'stream',
  destinations: 'id',
  sources: 'source',
  cameras: 'camera',
} as const;

/** The name of a list. */
export type StateList = keyof typeof stateLists;

const listNames = Object.keys(stateLists) as readonly StateList[];

/** What there is to see of a device at one moment. Names are unique in their list. */
export type DeviceState = StateItems & {
  /** So many items were too much to show. */
  readonly leftOut: number;
};

/** The lists themselves. */
export type StateItems = { readonly [K in StateList]: readonly StateItem[] };

/** How one list changed: items that are new or another, by name whole; names that went. */
export interface ListChanges {
  readonly set?: readonly StateItem[];
  readonly gone?: readonly string[];
}

/** From one state to the next. Lists that stayed the same are absent. */
export type StateChanges = { readonly [K in StateList]?: ListChanges } & { readonly leftOut?: number };

/** Of a device of which nothing is known. */
export const noState: DeviceState = {
  feeds: [],
  streams: [],
  destinations: [],
  sources: [],
  cameras: [],
  leftOut: 0,
};

/** An item's name in its list. */
export const itemName = (list: StateList, item: StateItem): string => String(item[stateLists[list]]);

/** The state after these changes. Order: what was there before keeps its place, what is new comes last. */
export function applyChanges(state: DeviceState, changes: StateChanges): DeviceState {
  const next: { -readonly [K in keyof DeviceState]: DeviceState[K] } = { ...state };
  if (changes.leftOut !== undefined) next.leftOut = changes.leftOut;
  for (const list of listNames) {
    const { set = [], gone = [] } = changes[list] ?? {};
    if (set.length === 0 && gone.length === 0) continue;
    const items = new Map(state[list].map((item) => [itemName(list, item), item]));
    for (const name of gone) items.delete(name);
    for (const item of set) items.set(itemName(list, item), item);
    next[list] = [...items.values()];
  }
  return next;
}

const sizes = new WeakMap<StateItem, number>();

/** How much a state is: characters of its items' JSON. Each item is measured once. */
export function stateSize(state: StateItems): number {
  let chars = 0;
  for (const list of listNames) {
    for (const item of state[list]) {
      const size = sizes.get(item) ?? JSON.stringify(item).length;
      sizes.set(item, size);
      chars += size;
    }
  }
  return chars;
}

/** Says what of a device's state is new, for one connection. */
export class StateDiffer {
  readonly #most: number;
  /** Name → JSON, as it was said last. */
  #said: Said | undefined;
  #leftOut = 0;

  /** @param most how many characters of JSON all items together may have; what is beyond is left out and counted. */
  constructor(most: number) {
    this.#most = most;
  }

  /** What changed since the last call, `undefined` if nothing did. The first time all is new. */
  next(items: StateItems): StateChanges | undefined {
    const changes: { -readonly [K in keyof StateChanges]: StateChanges[K] } = {};
    const said = emptySaid();
    let room = this.#most;
    let leftOut = 0;
    for (const list of listNames) {
      const before = this.#said?.[list];
      const now = said[list];
      const set: StateItem[] = [];
      for (const item of items[list]) {
        const name = itemName(list, item);
        const json = JSON.stringify(item);
        if (json.length > room) {
          leftOut++;
          continue;
        }
        room -= json.length;
        // Of two with one name the first is shown.
        if (now.has(name)) continue;
        now.set(name, json);
        if (before?.get(name) !== json) set.push(item);
      }
      const gone = [...(before?.keys() ?? [])].filter((name) => !now.has(name));
      if (set.length > 0 || gone.length > 0) {
        changes[list] = { ...(set.length > 0 && { set }), ...(gone.length > 0 && { gone }) };
      }
    }
    if (leftOut !== this.#leftOut) changes.leftOut = leftOut;
    const isNews = this.#said === undefined || Object.keys(changes).length > 0;
    this.#said = said;
    this.#leftOut = leftOut;
    return isNews ? changes : undefined;
  }
}

type Said = { readonly [K in StateList]: Map<string, string> };

const emptySaid = (): Said => ({
  feeds: new Map(),
  streams: new Map(),
  destinations: new Map(),
  sources: new Map(),
  cameras: new Map(),
});
