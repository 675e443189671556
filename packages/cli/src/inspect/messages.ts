import type { WebSocket } from 'ws';

/** So many bytes wait at most; then the socket is not read until they are taken. */
const WAITING_BYTES = 1024 * 1024;

/** The binary messages of a socket, in order. Ends when the socket closes or `signal` fires; leaving closes the socket. */
export function messagesOf(socket: WebSocket, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  const waiting: Uint8Array[] = [];
  let bytes = 0;
  let ended = false;
  let wake: () => void = () => undefined;
  socket.on('message', (data, isBinary) => {
    // Text is control or chat, never media.
    if (!isBinary) return;
    const message = Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data as Buffer);
    waiting.push(message);
    bytes += message.length;
    if (bytes > WAITING_BYTES) socket.pause();
    wake();
  });
  const end = () => {
    ended = true;
    wake();
  };
  socket.on('close', end);
  // The close that follows ends the messages; whoever dialled reports why a dial failed.
  socket.on('error', end);
  const onAbort = () => {
    end();
    socket.terminate();
  };
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort);
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const message = waiting.shift();
          if (message) {
            bytes -= message.length;
            if (bytes <= WAITING_BYTES && socket.isPaused) socket.resume();
            yield message;
          } else if (ended) return;
          else {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
      } finally {
        signal?.removeEventListener('abort', onAbort);
        socket.terminate();
      }
    },
  };
}
