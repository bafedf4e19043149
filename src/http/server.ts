/** The HTTP server of a process, on the loopback interface. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { SluiceError } from '../core/errors.js';

export interface Route {
  readonly path: string;
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/**
 * Serves the routes on 127.0.0.1. It does not keep the process alive.
 * @throws SluiceError SLUICE_CONFIG if the port is taken
 */
export async function serve(port: number, routes: readonly Route[]): Promise<Server> {
  const paths = routes.map(({ path }) => path);
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    const route = routes.find((candidate) => candidate.path === path);
    if (route !== undefined) route.handle(request, response);
    else reply(response, 404, `try ${paths.slice(0, -1).join(', ')} or ${paths.at(-1)}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(port, cause)));
    server.listen(port, '127.0.0.1', resolve);
  });
  server.unref();
  return server;
}

/** Answers with a text. */
export function reply(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}

function cannotListen(port: number, cause: NodeJS.ErrnoException): SluiceError {
  return new SluiceError(
    'SLUICE_CONFIG',
    `METRICS_PORT=${port}: cannot listen on 127.0.0.1:${port} (${cause.code}); 0 turns metrics off`,
    { cause },
  );
}
