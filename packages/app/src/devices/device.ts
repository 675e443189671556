import { useMemo } from 'preact/hooks';
import { type Answer, ask, segment, tell } from '../http/ask.ts';
import { decodeList, Fields } from '../http/fields.ts';
import { type Asked, useAsked } from '../http/use-asked.ts';

/** A machine that is enrolled. Times are milliseconds since 1970. */
export interface Device {
  readonly id: string;
  readonly name: string;
  readonly enrolled: number | undefined;
  readonly certificateExpires: number | undefined;
  readonly online: boolean;
  readonly lastSeen: number | undefined;
  readonly address: string | undefined;
}

/** A code by which a machine enrols itself. */
export interface EnrolmentCode {
  readonly code: string;
  readonly expires: number | undefined;
  /** What to type on the machine. */
  readonly command: string;
  /** A QR picture of it, as SVG. */
  readonly qr: string;
}

const PERIOD_MS = 5_000;

/** The devices that the caller may use, by name. @param everyMs how often they are asked for. */
export const useDevices = (everyMs = PERIOD_MS): Asked<Device[]> =>
  useAsked('/api/v1/devices', decodeDevices, everyMs);

/** Names of devices, by id; those not known yet are absent. */
export function useDeviceNames(asks: boolean): ReadonlyMap<string, string> {
  const { value } = useAsked(asks ? '/api/v1/devices' : undefined, decodeDevices);
  return useMemo(() => new Map(value?.map(({ id, name }) => [id, name])), [value]);
}

export function decodeDevices(value: unknown): Device[] {
  return decodeList(value, decodeDevice).sort((a, b) => a.name.localeCompare(b.name));
}

function decodeDevice(fields: Fields): Device | undefined {
  const id = fields.maybeText('id');
  if (id === undefined) return undefined;
  return {
    id,
    name: fields.text('name', id),
    enrolled: fields.time('enrolled'),
    certificateExpires: fields.time('certificateExpires'),
    online: fields.flag('online'),
    lastSeen: fields.time('lastSeen'),
    address: fields.maybeText('address'),
  };
}

/** Makes a code for a machine that shall bear this name. */
export const makeCode = (name: string): Promise<Answer<EnrolmentCode>> =>
  ask('/api/v1/devices/codes', decodeCode, { method: 'POST', body: { name } });

function decodeCode(value: unknown): EnrolmentCode {
  const fields = new Fields(value);
  return {
    code: fields.text('code'),
    expires: fields.time('expires'),
    command: fields.text('command'),
    qr: fields.text('qr'),
  };
}

export const renameDevice = (id: string, name: string): Promise<Answer<undefined>> =>
  tell(`/api/v1/devices/${segment(id)}`, { method: 'PATCH', body: { name } });

/** Its connections end at once, and its certificate is good for nothing. */
export const removeDevice = (id: string): Promise<Answer<undefined>> =>
  tell(`/api/v1/devices/${segment(id)}`, { method: 'DELETE' });
