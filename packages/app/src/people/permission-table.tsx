import { useState } from 'preact/hooks';
import { type Permission, permissions } from '../account/me.ts';
import type { Device } from '../devices/device.ts';
import { allowedWords, permissionWords } from './permission-words.ts';
import { allowedOn, type PermissionChange, type Person, withChange } from './person.ts';

/** For every device, and for those that come later, what somebody may do with it. */
export function PermissionTable({
  person,
  devices,
  onChange,
}: {
  person: Person;
  devices: readonly Device[];
  /** Resolves when the person is known anew. */
  onChange: (change: PermissionChange) => Promise<void>;
}) {
  const [wanted, setWanted] = useState<PermissionChange>({});
  const shown = withChange(person, wanted);
  const set = async (device: string, list: readonly Permission[] | null) => {
    const change = { [device]: list };
    setWanted((before) => ({ ...before, ...change }));
    await onChange(change);
    setWanted(({ [device]: _done, ...others }) => others);
  };
  return (
    <section aria-labelledby="permissions">
      <h2 id="permissions">What {person.name} may do</h2>
      <div class="rows">
        <DeviceRow name="All devices" allowed={allowedOn(shown, '*')} onSet={(list) => void set('*', list)} />
        {devices.map((device) => {
          const hasOwn = shown.permissions[device.id] !== undefined;
          return (
            <DeviceRow
              key={device.id}
              name={device.name}
              allowed={allowedOn(shown, device.id)}
              onSet={(list) => void set(device.id, list)}
              {...(hasOwn ? { onFollow: () => void set(device.id, null) } : { note: 'as for all devices' })}
            />
          );
        })}
      </div>
    </section>
  );
}

function DeviceRow({
  name,
  allowed,
  note,
  onSet,
  onFollow,
}: {
  name: string;
  allowed: readonly Permission[];
  note?: string;
  onSet: (list: readonly Permission[]) => void;
  /** Gives up what is said of this device alone. */
  onFollow?: () => void;
}) {
  return (
    <details class="row-fold">
      <summary class="row">
        <span class="row-text">
          <strong>{name}</strong>
          <small>
            May {allowedWords(allowed)}
            {note && `, ${note}`}
          </small>
        </span>
      </summary>
      <fieldset class="checks">
        <legend class="heard-only">What may be done with {name}</legend>
        {permissions.map((permission) => (
          <label key={permission}>
            <input
              type="checkbox"
              checked={allowed.includes(permission)}
              onChange={(event) =>
                onSet(
                  event.currentTarget.checked
                    ? permissions.filter((one) => one === permission || allowed.includes(one))
                    : allowed.filter((one) => one !== permission),
                )
              }
            />
            <span>
              {permissionWords[permission].label}
              <small>{permissionWords[permission].hint}</small>
            </span>
          </label>
        ))}
        {onFollow && (
          <button type="button" class="quiet small" onClick={onFollow}>
            Same as for all devices
          </button>
        )}
      </fieldset>
    </details>
  );
}
