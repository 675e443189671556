import type { IncomingMessage } from 'node:http';
import { limits } from '@perch/protocol';
import type { Clock } from '@perch/runtime';

/** Why a body was not taken; `status` is the answer to give. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly status: 400 | 408 | 413;

  constructor(status: 400 | 408 | 413, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** Reads a whole body as JSON, whatever its Content-Type says. @throws {BodyError} too large, too slow or no JSON. */
export async function readJson(request: IncomingMessage, clock: Clock): Promise<unknown> {
  const text = await readText(request, clock);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BodyError(
      400,
      `the body is no JSON: ${text === '' ? 'it is empty' : (cause as Error).message}`,
      { cause },
    );
  }
}

function readText(request: IncomingMessage, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const late = clock.after(limits.bodyTimeout, () => {
      fail(new BodyError(408, `the body was not complete in ${limits.bodyTimeout / 1000} s`));
    });
    const fail = (error: BodyError) => {
      late.cancel();
      request.pause();
      request.removeListener('data', onData);
      reject(error);
    };
    const onData = (part: Buffer) => {
      bytes += part.byteLength;
      if (bytes > limits.bodyBytes)
        fail(new BodyError(413, `the body is larger than ${limits.bodyBytes} bytes`));
      else parts.push(part);
    };
    request.on('data', onData);
    request.on('error', (cause) => fail(new BodyError(400, 'the body broke off', { cause })));
    request.on('end', () => {
      late.cancel();
      resolve(Buffer.concat(parts).toString());
    });
  });
}
