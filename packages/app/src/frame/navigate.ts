/** Goes to a page of the app, such as `#/devices`. */
export function navigate(href: string): void {
  location.hash = href;
}

/** Takes what the address holds out of it, so that neither the history nor a bookmark keeps a secret. */
export function clearAddress(): void {
  history.replaceState(null, '', '/');
  dispatchEvent(new HashChangeEvent('hashchange'));
}
