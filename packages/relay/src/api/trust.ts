import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Ca } from '../tls/ca.ts';
import { CA_FILE, trustPage } from '../tls/trust-page.ts';

const CSP =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * How a phone or computer comes to trust a relay that made its certificate itself. There is nothing to tell, and so no
 * such page, where the certificate is somebody else's.
 */
export function trustRoutes(app: FastifyInstance, options: { authority: () => Ca | undefined }): void {
  const config = { permit: { to: 'everyone' } } as const;
  const route = (
    path: string,
    answer: (authority: Ca, request: FastifyRequest, reply: FastifyReply) => string,
  ) =>
    app.get(path, { config, schema: { hide: true } }, async (request, reply) => {
      const authority = options.authority();
      if (!authority) return reply.callNotFound();
      reply.header('Cache-Control', 'no-store');
      return reply.send(answer(authority, request, reply));
    });
  route('/trust', (authority, request, reply) => {
    reply.type('text/html; charset=utf-8').header('Content-Security-Policy', CSP);
    return trustPage(authority, request.headers['user-agent'] ?? '');
  });
  route(CA_FILE, (authority, _request, reply) => {
    reply
      .type('application/x-x509-ca-cert')
      .header('Content-Disposition', 'attachment; filename="perch-ca.crt"');
    return authority.certificate;
  });
}
