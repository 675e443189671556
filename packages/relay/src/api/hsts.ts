import type { FastifyInstance } from 'fastify';

/** RFC 6797: a year without a plain request. Other names of the domain are none of our business. */
const HSTS = 'max-age=31536000';

/**
 * Tells browsers to insist on TLS, in every answer, as long as they take the relay's certificate by themselves. Under any
 * other nobody could go on past the warning, not even to the page that tells how to trust it.
 */
export function insistOnTls(app: FastifyInstance, tls: { readonly isPublic: boolean }): void {
  app.addHook('onRequest', async (_request, reply) => {
    if (tls.isPublic) reply.header('Strict-Transport-Security', HSTS);
  });
}
