/** The part of `URL` that this package uses; the platform's own fits. */
export interface UrlLike {
  readonly href: string;
  readonly protocol: string;
  readonly host: string;
  readonly origin: string;
  readonly username: string;
  readonly password: string;
}

// Both browsers and Node have it; this package sees neither world's types.
declare const URL: new (url: string) => UrlLike;

/** @throws {TypeError} naming the text where it is no address. */
export function parseUrl(url: string | UrlLike): UrlLike {
  const text = typeof url === 'string' ? url : url.href;
  try {
    return new URL(text);
  } catch (cause) {
    throw new TypeError(`url: ${JSON.stringify(text)} is not an address`, { cause });
  }
}
