let registering: Promise<ServiceWorkerRegistration | undefined> | undefined;

/**
 * The app's service worker, registered when it is first asked for. `undefined` where the browser knows none, or does not
 * take ours: it does not trust the relay's certificate.
 */
export function ownWorker(): Promise<ServiceWorkerRegistration | undefined> {
  registering ??= register();
  return registering;
}

async function register(): Promise<ServiceWorkerRegistration | undefined> {
  if (!('serviceWorker' in navigator)) return undefined;
  try {
    return await navigator.serviceWorker.register('/sw.js');
  } catch (error) {
    console.warn('no offline shell:', error);
    return await navigator.serviceWorker.getRegistration();
  }
}
