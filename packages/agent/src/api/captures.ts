import type { Clock } from '@perch/runtime';
import type { Captures } from '../captures/index.ts';
import { json, refuse } from './answer.ts';
import { BodyError, readJson } from './body.ts';
import type { Handler, Route } from './router.ts';

/** Most files that are pushed as one film. */
const FILES = 10_000;

/**
 * `GET /api/captures`: what waits, what is on its way, what was lost. `GET /api/captures/<id>`: one film.
 * `POST /api/captures` `{"files": ["/path", …]}`: takes files of this machine, in this order, as one film.
 */
export function captureRoutes(captures: Captures | undefined, clock: Clock): Route[] {
  const handler =
    (answer: (captures: Captures, ...rest: Parameters<Handler>) => unknown): Handler =>
    async (request, response, name) => {
      if (!captures) {
        refuse(response, 404, 'this agent takes no captures: start it without --input_port none');
        return;
      }
      try {
        json(response, await answer(captures, request, response, name));
      } catch (error) {
        if (!(error instanceof BodyError)) throw error;
        refuse(response, error.status, error.message);
      }
    };
  return [
    {
      path: '/api/captures',
      verbs: {
        GET: handler((found) => found.dump()),
        POST: handler(async (found, request) => found.push(filesOf(await readJson(request, clock)))),
      },
    },
    { path: '/api/captures/', verbs: { GET: handler((found, _request, _response, id) => found.film(id)) } },
  ];
}

/** @throws {BodyError} 400 */
function filesOf(value: unknown): readonly string[] {
  const files =
    typeof value === 'object' && value !== null ? (value as { files?: unknown }).files : undefined;
  const isRight =
    Array.isArray(files) &&
    files.length > 0 &&
    files.length <= FILES &&
    files.every((file) => typeof file === 'string' && file.startsWith('/') && !file.includes('\0'));
  if (isRight) return files as string[];
  throw new BodyError(400, `"files" must be a list of 1 to ${FILES} absolute paths`);
}
