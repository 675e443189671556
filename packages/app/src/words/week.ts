/** Days of the week as ISO 8601 counts them: 1 is Monday. */
export const weekdays = [1, 2, 3, 4, 5, 6, 7] as const;
export const weekdayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

/** Hours on some days: `08:00` to `17:30`; to an earlier hour is to the next day. */
export interface Hours {
  readonly days: readonly number[];
  readonly from: string;
  readonly to: string;
}
