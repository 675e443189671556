import type { FastifyInstance } from 'fastify';
import { metricsText } from '../observe/metrics.ts';
import type { Topics } from '../topics.ts';

/** For whoever watches over the process. */
export function healthRoutes(
  app: FastifyInstance,
  options: { topics: Topics; isReady: () => boolean },
): void {
  const text = (summary: string) => ({
    config: { permit: { to: 'everyone' } } as const,
    schema: { summary, tags: ['operation'] },
  });
  app.get('/healthz', text('The process runs'), async (_request, reply) =>
    reply.type('text/plain').send('ok\n'),
  );
  app.get('/readyz', text('It takes connections; 503 while it stops'), async (_request, reply) => {
    const ready = options.isReady();
    return reply
      .code(ready ? 200 : 503)
      .type('text/plain')
      .send(ready ? 'ok\n' : 'stopping\n');
  });
  app.get('/metrics', text('Counters, as Prometheus reads them'), async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(metricsText(options.topics)),
  );
}
