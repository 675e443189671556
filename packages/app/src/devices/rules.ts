import { type Answer, segment, tell } from '../http/ask.ts';

// Changes of a device's rules, over the control connection. Each answer comes when the device has kept the change.

const at = (device: string, kind: string, name?: string) =>
  `/api/v1/devices/${segment(device)}/${kind}${name === undefined ? '' : `/${name.split('/').map(segment).join('/')}`}`;

/** Which feeds a stream is made of, from now on. */
export const putStream = (
  device: string,
  stream: string,
  feeds: readonly string[],
): Promise<Answer<undefined>> => tell(at(device, 'streams'), { method: 'POST', body: { stream, feeds } });

/** Whether a feed or stream is filmed when something moves in it. What is left out stays as it is. */
export const putMotion = (
  device: string,
  feed: string,
  body: { readonly isOn: boolean } | { readonly sensitivity: number },
): Promise<Answer<undefined>> =>
  // A name with slashes is one part of the path here.
  tell(`${at(device, 'feeds')}/${segment(feed)}/motion`, { method: 'PUT', body });

export const deleteStream = (device: string, stream: string): Promise<Answer<undefined>> =>
  tell(at(device, 'streams', stream), { method: 'DELETE' });

/** Sends a feed or stream to this relay, where it can be seen under the same name below the device's id. @param relay its address. */
export const sendHere = (device: string, stream: string, relay: string): Promise<Answer<undefined>> =>
  tell(at(device, 'destinations'), {
    method: 'POST',
    body: {
      id: stream,
      stream,
      destination: `${relay}/session/${device}/${stream}`,
      token: '',
      protocol: 'perch.1',
    },
  });

export const deleteDestination = (device: string, id: string): Promise<Answer<undefined>> =>
  tell(at(device, 'destinations', id), { method: 'DELETE' });

/** Sends the device to other relays: the first that answers is its own from then on. */
export const moveDevice = (device: string, relays: readonly string[]): Promise<Answer<undefined>> =>
  tell(at(device, 'move'), { method: 'POST', body: { relays } });
