import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/** A web server for test pages and built files. */
export interface Site extends AsyncDisposable {
  readonly url: string;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

export interface SiteOptions {
  /** Path → HTML. */
  readonly pages?: Readonly<Record<string, string>>;
  /** A directory served below `/`. */
  readonly files?: string;
}

/** Serves pages on a free loopback port; files with CORS, as the relay serves the player. */
export async function startSite({ pages = {}, files }: SiteOptions): Promise<Site> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const page = pages[pathname];
    if (page !== undefined) {
      response.writeHead(200, { 'content-type': types['.html'] }).end(page);
      return;
    }
    if (!files || pathname.includes('..')) {
      response.writeHead(pathname === '/favicon.ico' ? 204 : 404).end();
      return;
    }
    readFile(path.join(files, pathname)).then(
      (body) =>
        response
          .writeHead(200, {
            'content-type': types[path.extname(pathname)] ?? 'application/octet-stream',
            'access-control-allow-origin': '*',
          })
          .end(body),
      () => response.writeHead(pathname === '/favicon.ico' ? 204 : 404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
