import { useState } from 'preact/hooks';
import { useMe } from '../account/use-me.ts';
import { Asking } from '../frame/asking.tsx';
import { Icon } from '../frame/icon.tsx';
import { Page } from '../frame/page.tsx';
import { hrefs } from '../route.ts';
import { type Device, useDevices } from './device.ts';
import { EnrolDialog } from './enrol-dialog.tsx';
import { Presence } from './presence.tsx';

/** The machines of the household. */
export function DevicesPage() {
  const { me } = useMe();
  const asked = useDevices();
  const [isAdding, setAdding] = useState(false);
  const isOwner = me.role === 'owner';
  const devices = asked.value;
  const add = (
    <button type="button" class="primary" onClick={() => setAdding(true)}>
      <Icon name="plus" /> Add a device
    </button>
  );
  return (
    <Page title="Devices" actions={isOwner && devices && devices.length > 0 && add}>
      <Asking asked={asked} />
      {devices && devices.length > 0 && (
        <ul class="rows">
          {devices.map((device) => (
            <li key={device.id}>
              <DeviceRow device={device} />
            </li>
          ))}
        </ul>
      )}
      {devices?.length === 0 && (
        <div class="empty">
          <h2>No devices yet</h2>
          {isOwner ? (
            <>
              <p>
                A device is any machine with a camera, a microphone or a loudspeaker that runs Perch: a
                Raspberry Pi, an old laptop. It needs no open port.
              </p>
              {add}
            </>
          ) : (
            <p>What an owner of {me.household.name || 'this household'} shares with you shows up here.</p>
          )}
        </div>
      )}
      {isAdding && (
        <EnrolDialog known={devices ?? []} onNews={asked.reload} onClose={() => setAdding(false)} />
      )}
    </Page>
  );
}

function DeviceRow({ device }: { device: Device }) {
  return (
    <a class="row" href={hrefs.device(device.id)}>
      <span class="row-icon">
        <Icon name="devices" />
      </span>
      <span class="row-text">
        <strong>{device.name}</strong>
        <small>
          <Presence online={device.online} lastSeen={device.lastSeen} />
        </small>
      </span>
      <Icon name="forward" />
    </a>
  );
}
