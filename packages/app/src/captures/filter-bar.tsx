import { type Filter, type Kind, kinds } from './filter.ts';

const words: { readonly [K in Kind]: string } = {
  all: 'All',
  motion: 'Motion',
  asked: 'Asked',
  alarm: 'Alarm',
};

/** Which films: of what sort, and of which device where there are several. */
export function FilterBar({
  filter,
  devices,
  onFilter,
}: {
  filter: Filter;
  devices: readonly { readonly id: string; readonly name: string }[];
  onFilter: (filter: Filter) => void;
}) {
  return (
    <div class="filter-bar">
      {devices.length > 1 && (
        <select
          aria-label="Device"
          value={filter.device ?? ''}
          onChange={(event) => onFilter({ ...filter, device: event.currentTarget.value || undefined })}
        >
          <option value="">All devices</option>
          {devices.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      )}
      <fieldset class="tabs">
        <legend class="heard-only">Show</legend>
        {kinds.map((kind) => (
          <button
            key={kind}
            type="button"
            aria-pressed={kind === filter.kind}
            onClick={() => onFilter({ ...filter, kind })}
          >
            {words[kind]}
          </button>
        ))}
      </fieldset>
    </div>
  );
}
