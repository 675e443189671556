import { type Answer, ask, tell } from '../http/ask.ts';
import { ownWorker } from '../own-worker.ts';
import { decodePush } from './push-state.ts';

/** Where the browser keeps who wanted to be told here. */
const WHO = 'perch-told';

/** Whether this person has turned it on in this browser. */
export const isWanted = (person: string): boolean => localStorage.getItem(WHO) === person;

/** Has the browser's maker bring pushes here, signed by this key, and tells the relay where. */
async function subscribe(
  registration: ServiceWorkerRegistration,
  publicKey: string,
): Promise<Answer<undefined>> {
  const { pushManager } = registration;
  const key = bytesOf(publicKey);
  const before = await pushManager.getSubscription();
  const isOld = before && !isSame(before.options.applicationServerKey, key);
  // A relay that was made anew has another key: the browser then wants to be asked anew.
  if (isOld) await before.unsubscribe();
  const kept = isOld ? null : before;
  const subscription =
    kept ?? (await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
  return await tell('/api/v1/push/subscription', { method: 'PUT', body: subscription.toJSON() });
}

/** Turns it on in this browser. Asks the person, so call it on a tap only. */
export async function turnOn(person: string, publicKey: string): Promise<Answer<undefined>> {
  // First: some browsers ask only while they know that somebody has tapped.
  const permission = await Notification.requestPermission();
  if (permission !== 'granted') return refused('The browser was not allowed to show notifications.');
  const registration = await ownWorker();
  if (!registration) return refused('The app is not set up in this browser yet. Load the page again.');
  try {
    const answer = await subscribe(registration, publicKey);
    if (answer.ok) localStorage.setItem(WHO, person);
    return answer;
  } catch (error) {
    // Its own words say little: mostly its maker's service cannot be reached, or the browser has none.
    const words = error instanceof Error ? ` (${error.message})` : '';
    return refused(`The browser could not reach its maker’s push service${words}.`);
  }
}

/** Turns it off in this browser. */
export async function turnOff(): Promise<Answer<undefined>> {
  localStorage.removeItem(WHO);
  const answer = await tell('/api/v1/push/subscription', { method: 'DELETE' });
  if (!answer.ok) return answer;
  const registration = await ownWorker();
  const subscription = await registration?.pushManager.getSubscription();
  await subscription?.unsubscribe().catch(() => false); // nobody sends there any more in any case
  return answer;
}

/** Tells the relay where this browser is reached now: after a new sign-in, or when its maker has moved it. */
export async function renewSubscription(registration: ServiceWorkerRegistration): Promise<void> {
  const answer = await ask('/api/v1/push', decodePush);
  if (!answer.ok) return; // nobody is signed in here
  await subscribe(registration, answer.value.publicKey);
}

/** What a person turned on here goes on after another sign-in. Rejects where the browser does. */
export async function stayTold(person: string): Promise<void> {
  if (!isWanted(person) || !('Notification' in globalThis) || Notification.permission !== 'granted') return;
  const registration = await ownWorker();
  if (registration) await renewSubscription(registration);
}

const refused = (words: string): Answer<undefined> => ({ ok: false, problem: { kind: 'refused', words } });

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function isSame(given: ArrayBuffer | null, key: Uint8Array): boolean {
  const bytes = new Uint8Array(given ?? []);
  return bytes.length === key.length && bytes.every((byte, i) => byte === key[i]);
}
