import { bodyOf, decodeNotice, type Notice, placeOf, titleOf } from './notice.ts';
import { renewSubscription } from './subscription.ts';

/** The part of the service worker's world that pushes need: TypeScript has it only in a library that clashes with the page's. */
export interface PushWorld {
  addEventListener(type: 'push', listener: (event: PushLikeEvent) => void): void;
  addEventListener(type: 'notificationclick', listener: (event: ClickLikeEvent) => void): void;
  addEventListener(type: 'pushsubscriptionchange', listener: (event: LastingEvent) => void): void;
  readonly registration: ServiceWorkerRegistration;
  readonly clients: {
    matchAll(options: { type: 'window'; includeUncontrolled: true }): Promise<readonly PageLike[]>;
    openWindow(url: string): Promise<unknown>;
  };
}
interface LastingEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface PushLikeEvent extends LastingEvent {
  readonly data: { json(): unknown } | null;
}
interface ClickLikeEvent extends LastingEvent {
  readonly notification: Notification;
}
interface PageLike {
  focus(): Promise<unknown>;
  postMessage(message: unknown): void;
}

/** So long a notification waits for its picture; an alarm that has none yet is shown, and gets it later. */
const PICTURE_WAIT_MS = 3_000;
/** After these pauses it is looked again whether there is one. */
const PICTURE_PAUSES_MS = [4_000, 8_000, 12_000];

/** Shows what the relay pushes, also while no page of the app is open. */
export function showPushes(world: PushWorld): void {
  world.addEventListener('push', (event) => {
    event.waitUntil(show(world.registration, noticeIn(event)));
  });
  world.addEventListener('notificationclick', (event) => {
    event.notification.close();
    const { place } = (event.notification.data ?? {}) as { place?: string };
    event.waitUntil(open(world, place ?? '#/'));
  });
  world.addEventListener('pushsubscriptionchange', (event) => {
    event.waitUntil(renewSubscription(world.registration));
  });
}

/** What came; a browser wants every push to be shown, so one that nobody understands is shown too. */
function noticeIn({ data }: PushLikeEvent): Notice {
  try {
    return decodeNotice(data?.json());
  } catch {
    return decodeNotice(undefined); // no JSON
  }
}

async function show(registration: ServiceWorkerRegistration, notice: Notice): Promise<void> {
  const { what, tag, capture, at } = notice;
  const present = (image: string | undefined, isQuiet: boolean) => {
    // `image`, `renotify` and `timestamp` are known to browsers, and not to TypeScript.
    const options: NotificationOptions & {
      image?: string;
      renotify?: boolean;
      timestamp?: number;
    } = {
      body: bodyOf(notice, Date.now()),
      tag,
      icon: '/icon-192.png',
      badge: '/icon-192.png',
      data: { place: placeOf(notice) },
      requireInteraction: what === 'alarm',
      silent: isQuiet,
      renotify: !isQuiet,
      ...(image !== undefined && { image }),
      ...(at !== undefined && { timestamp: at }),
    };
    return registration.showNotification(titleOf(notice), options);
  };
  const first = capture === undefined ? undefined : await pictureOf(capture);
  await present(first, false);
  if (capture === undefined || first !== undefined) return;
  for (const pause of PICTURE_PAUSES_MS) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    const shown = await registration.getNotifications({ tag });
    if (shown.length === 0) return; // somebody has seen it and put it away
    const image = await pictureOf(capture);
    if (image !== undefined) return await present(image, true);
  }
}

/** The film's picture, if the relay gives it to who is signed in here. */
async function pictureOf(capture: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`/api/v1/captures/${capture}/thumbnail.jpg`, {
      signal: AbortSignal.timeout(PICTURE_WAIT_MS),
    });
    if (!answer.ok) return undefined;
    // As a text: by the time that the browser shows it, it would have to sign in again.
    const bytes = new Uint8Array(await answer.arrayBuffer());
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return `data:image/jpeg;base64,${btoa(text)}`;
  } catch {
    return undefined; // no network, or not in time
  }
}

/** Goes to a page of the app, in one that is open, else in a new one. */
async function open({ clients }: PushWorld, place: string): Promise<void> {
  const [page] = await clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (!page) {
    await clients.openWindow(`/${place}`);
    return;
  }
  page.postMessage({ goTo: place });
  await page.focus();
}
