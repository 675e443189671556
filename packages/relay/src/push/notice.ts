/** Something that people are told of: an alarm, or a film that began because something moved or somebody asked. */
export interface Notice {
  readonly what: 'alarm' | 'motion' | 'asked';
  readonly device: string;
  /** The film that shows it. */
  readonly capture: string | undefined;
  /** When it happened: milliseconds since 1970, by the device's clock. */
  readonly at: number;
}

/** What a push says: the page's service worker makes a notification of it (`app/src/push/notice.ts`). */
export interface PushText {
  /** `ending`: its sign-in ends, at `at`. */
  readonly what: Notice['what'] | 'test' | 'ending';
  /** Notifications with the same tag take each other's place. */
  readonly tag: string;
  /** What people call the device. */
  readonly name?: string;
  readonly device?: string;
  readonly capture?: string | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What is new of the same film takes the place of what was. */
export const tagOf = ({ capture, device, at }: Notice): string => capture ?? `${device} ${at}`;
