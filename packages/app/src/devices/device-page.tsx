import { useState } from 'preact/hooks';
import { may, mayLookAround } from '../account/me.ts';
import { useMe } from '../account/use-me.ts';
import { DeviceCaptures } from '../captures/device-captures.tsx';
import { Asking } from '../frame/asking.tsx';
import { Icon } from '../frame/icon.tsx';
import { Page } from '../frame/page.tsx';
import { InviteDialog } from '../invites/invite-dialog.tsx';
import { hrefs } from '../route.ts';
import { showMoment } from '../words/time.ts';
import { useNow } from '../words/use-now.ts';
import { type Device, useDevices } from './device.ts';
import { DeviceLive } from './device-live.tsx';
import { DeviceSettings } from './device-settings.tsx';
import type { DeviceNews } from './device-state.ts';
import { Presence } from './presence.tsx';
import { useDeviceNews } from './use-device-news.ts';

/** One device, live: what it sees and hears, where that goes, and what can be changed about it. */
export function DevicePage({ id }: { id: string }) {
  const { me } = useMe();
  const devices = useDevices();
  const { asked, news } = useDeviceNews(id);
  const [isSharing, setSharing] = useState(false);
  const device = devices.value?.find((one) => one.id === id);
  const isGone = devices.value !== undefined && !device && asked.problem?.kind === 'missing';
  const back = { href: hrefs.devices, label: 'All devices' };
  if (isGone) {
    return (
      <Page title={id} back={back}>
        <div class="empty">
          <h2>This device is not here</h2>
          <p>It was removed, or is not shared with you.</p>
          <a class="button" href={hrefs.devices}>
            See all devices
          </a>
        </div>
      </Page>
    );
  }
  const share = mayLookAround(me) && (
    <button type="button" class="quiet" onClick={() => setSharing(true)}>
      <Icon name="share" /> Share
    </button>
  );
  return (
    <Page title={device?.name ?? id} back={back} actions={share} width="roomy">
      <DeviceLine device={device} news={news} />
      <Asking asked={asked} />
      {news?.state && (
        <DeviceLive
          id={id}
          state={news.state}
          isOnline={news.online}
          mayView={may(me, 'view', id)}
          showsWays={mayLookAround(me)}
          // Rules are for the household: no guest changes what others see.
          mayChange={news.online && mayLookAround(me) && may(me, 'command', id)}
        />
      )}
      {device && <DeviceCaptures device={id} isOnline={news?.online ?? device.online} />}
      {news && !news.state && <Silent isOnline={news.online} />}
      {device && me.role === 'owner' && <DeviceSettings device={device} onChanged={devices.reload} />}
      {isSharing && (
        <InviteDialog what={{ device: id, name: device?.name ?? id }} onClose={() => setSharing(false)} />
      )}
    </Page>
  );
}

/** The line below the name. */
function DeviceLine({ device, news }: { device: Device | undefined; news: DeviceNews | undefined }) {
  const now = useNow();
  const online = news?.online ?? device?.online;
  if (online === undefined) return <p class="device-line">&nbsp;</p>;
  return (
    <p class="device-line">
      <Presence online={online} lastSeen={device?.lastSeen ?? news?.at} />
      {device?.address && online && <span>from {device.address}</span>}
      {!online && news?.state && news.at !== undefined && (
        <span>What follows is what it told last, at {showMoment(news.at, now)}.</span>
      )}
    </p>
  );
}

function Silent({ isOnline }: { isOnline: boolean }) {
  return (
    <div class="empty">
      {isOnline ? (
        <>
          <h2>It is here, and tells nothing yet</h2>
          <p>It tells what it does within a few seconds.</p>
        </>
      ) : (
        <>
          <h2>It is not connected</h2>
          <p>
            Look whether the machine runs and has a network. On it, <code>perch agent</code> starts it and{' '}
            <code>perch doctor</code> says what is wrong.
          </p>
        </>
      )}
    </div>
  );
}
