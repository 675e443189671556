import { useState } from 'preact/hooks';
import { Confirm } from '../frame/confirm.tsx';
import { Dialog } from '../frame/dialog.tsx';
import { DeedButton, Field, Form, Trouble, useDeed } from '../frame/form.tsx';
import { navigate } from '../frame/navigate.ts';
import { say } from '../frame/toast.tsx';
import { hrefs } from '../route.ts';
import { showDate } from '../words/time.ts';
import { type Device, removeDevice, renameDevice } from './device.ts';
import { moveDevice } from './rules.ts';

type Open = 'rename' | 'move' | 'remove';

/** What an owner may change about a device itself. */
export function DeviceSettings({ device, onChanged }: { device: Device; onChanged: () => Promise<void> }) {
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  return (
    <section aria-labelledby="settings">
      <h2 id="settings">This device</h2>
      <dl class="facts-list">
        <dt>Id</dt>
        <dd>
          <code>{device.id}</code>
        </dd>
        {device.enrolled !== undefined && (
          <>
            <dt>Added</dt>
            <dd>{showDate(device.enrolled)}</dd>
          </>
        )}
        {device.certificateExpires !== undefined && (
          <>
            <dt>Certificate</dt>
            <dd>good until {showDate(device.certificateExpires)}; it renews itself</dd>
          </>
        )}
      </dl>
      <div class="buttons start">
        <button type="button" onClick={() => setOpen('rename')}>
          Rename
        </button>
        <button type="button" onClick={() => setOpen('move')}>
          Move to another relay
        </button>
        <button type="button" class="danger outline" onClick={() => setOpen('remove')}>
          Remove
        </button>
      </div>
      {open === 'rename' && <Rename device={device} onChanged={onChanged} onClose={close} />}
      {open === 'move' && <Move device={device} onClose={close} />}
      {open === 'remove' && (
        <Confirm
          title={`Remove ${device.name}?`}
          words="All that it sends ends at once, and it cannot connect again. To have it back, add it again with a new code."
          button="Remove it"
          deed={() => removeDevice(device.id)}
          onDone={() => {
            say(`${device.name} is removed.`);
            void onChanged();
            navigate(hrefs.devices);
          }}
          onClose={close}
        />
      )}
    </section>
  );
}

function Rename({
  device,
  onChanged,
  onClose,
}: {
  device: Device;
  onChanged: () => Promise<void>;
  onClose: () => void;
}) {
  const [name, setName] = useState(device.name);
  const { isBusy, problem, run } = useDeed();
  const save = async () => {
    const answer = await run(() => renameDevice(device.id, name.trim()));
    if (!answer?.ok) return;
    await onChanged();
    onClose();
  };
  return (
    <Dialog title={`Rename ${device.name}`} onClose={onClose}>
      <Form onSubmit={() => void save()}>
        <Field
          label="Name"
          value={name}
          onValue={setName}
          maxLength={64}
          required
          autocomplete="off"
          hint={`Its id stays ${device.id}, so links go on working.`}
        />
        <Trouble problem={problem} />
        <div class="buttons">
          <DeedButton isBusy={isBusy} kind="primary">
            Rename
          </DeedButton>
        </div>
      </Form>
    </Dialog>
  );
}

function Move({ device, onClose }: { device: Device; onClose: () => void }) {
  const [address, setAddress] = useState('');
  const { isBusy, problem, run } = useDeed();
  const move = async () => {
    const answer = await run(() => moveDevice(device.id, [address.trim(), location.origin]));
    if (!answer?.ok) return;
    say(`${device.name} goes to ${address.trim()}.`);
    onClose();
  };
  return (
    <Dialog title={`Move ${device.name}`} onClose={onClose}>
      <p>
        It connects to the other relay from now on, and comes back here while that one does not answer. The
        other relay must know the device: restore a backup of this one there first (
        <code>perch relay backup</code>).
      </p>
      <Form onSubmit={() => void move()}>
        <Field
          label="Address of the other relay"
          placeholder="https://relay.example"
          value={address}
          onValue={setAddress}
          required
          autocomplete="off"
        />
        <Trouble problem={problem} />
        <div class="buttons">
          <DeedButton isBusy={isBusy} kind="primary">
            Move it
          </DeedButton>
        </div>
      </Form>
    </Dialog>
  );
}
