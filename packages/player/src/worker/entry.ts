import type { SocketLike } from '@perch/client';
import { systemClock } from '@perch/runtime';
import type { SoftwareDecoders } from '../decode/software.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { Session } from './session.ts';

// The part of a dedicated worker's global scope that is used; TypeScript's DOM library describes pages only.
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
  close(): void;
}
const scope = globalThis as unknown as WorkerScope;

let session: Session | undefined;

scope.onmessage = ({ data }) => {
  try {
    take(data);
  } catch (error) {
    const { message } = error as Error;
    if (data.type === 'start')
      scope.postMessage({
        type: 'state',
        state: { kind: 'refused', reason: `This can’t be played: ${message}.` },
      });
    else scope.postMessage({ type: 'error', message });
  }
};

function take(message: ToWorker): void {
  switch (message.type) {
    case 'start':
      session = start(message);
      break;
    case 'token':
      if (session) session.token = message.token;
      break;
    case 'soundPort':
      session?.connectSound(message.port);
      break;
    case 'sound':
      session?.setSound(message.on, message.outputLatencyMs);
      break;
    case 'visible':
      session?.setVisible(message.visible);
      break;
    case 'reconnect':
      session?.reconnect();
      break;
    case 'close':
      void close();
      break;
  }
}

function start(message: ToWorker & { type: 'start' }): Session {
  let software: Promise<SoftwareDecoders> | undefined;
  const load = async () => {
    const chunk = (await import(message.softwareUrl)) as {
      loadSoftwareDecoders(): Promise<SoftwareDecoders>;
    };
    return chunk.loadSoftwareDecoders();
  };
  return new Session({
    url: message.url,
    token: message.token,
    canvas: message.canvas,
    clock: systemClock,
    openSocket: (url, protocols) => new WebSocket(url, [...protocols]) as unknown as SocketLike,
    fetch: (input, init) => fetch(input, init),
    loadSoftware: () => {
      // A chunk that could not be fetched is fetched again the next time.
      software ??= load().catch((error: Error) => {
        software = undefined;
        throw error;
      });
      return software;
    },
    pageOrigin: message.pageOrigin,
    post: (posted) => scope.postMessage(posted),
  });
}

async function close(): Promise<void> {
  await session?.close();
  scope.postMessage({ type: 'closed' });
  scope.close();
}
