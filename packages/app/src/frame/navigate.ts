/** Goes to a page of the app, such as `#/devices`. */
export function navigate(href: string): void {
  location.hash = href;
}

/** Changes what the address says of the page that is shown: the way back does not lead through it. */
export function replaceAddress(href: string): void {
  history.replaceState(null, '', href);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

/** Takes what the address holds out of it, so that neither the history nor a bookmark keeps a secret. */
export function clearAddress(): void {
  history.replaceState(null, '', '/');
  dispatchEvent(new HashChangeEvent('hashchange'));
}
