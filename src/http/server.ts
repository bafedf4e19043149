/** The HTTP server of a process. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SluiceError } from '../core/errors.js';
import { Access, type RouteKind } from './access.js';
import type { HttpOptions } from './settings.js';

export interface Route {
  readonly path: string;
  readonly kind: RouteKind;
  /** Default: GET, and HEAD with it. */
  readonly method?: 'GET' | 'POST';
  /** What it rejects with is answered with 500. */
  handle(request: IncomingMessage, response: ServerResponse): void | Promise<void>;
}

export interface ServerOptions extends HttpOptions {
  readonly port: number;
  /** What sets the port, for an error. */
  readonly portName: string;
}

/** Answers where a route is refused for want of a token. */
type Unauthorized = (request: IncomingMessage, response: ServerResponse, why: string) => void;

const MAX_CONNECTIONS = 256;
/** Of a request, until all of it is there: who sends it slowly keeps a connection from others. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Of every answer: nothing is loaded from elsewhere, run that is not a file of ours, shown within a page or kept. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

/**
 * Serves the routes. It does not keep the process alive.
 * @param routes gets what says who may ask
 * @throws SluiceError SLUICE_CONFIG if it cannot listen there
 */
export async function serve(
  options: ServerOptions,
  routes: (access: Access) => readonly Route[],
  unauthorized: Unauthorized = (_, response, why) => reply(response, 401, `${why}\n`),
): Promise<Server> {
  const { port, host } = options;
  const access = new Access(options);
  const all = routes(access);
  const answer = (request: IncomingMessage, response: ServerResponse): void | Promise<void> => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const path = request.url?.split('?')[0];
    const ofPath = all.filter((candidate) => candidate.path === path);
    const route = ofPath.find(({ method = 'GET' }) => method === request.method?.replace('HEAD', 'GET'));
    const refusal = access.refusal(request, (route ?? ofPath[0])?.kind ?? 'page');
    if (refusal?.status === 401) {
      response.setHeader('www-authenticate', 'Bearer realm="sluice"');
      return unauthorized(request, response, refusal.why);
    }
    if (refusal !== undefined) return reply(response, refusal.status, `${refusal.why}\n`);
    if (route !== undefined) return route.handle(request, response);
    if (ofPath.length > 0) return reply(response, 405, `${request.method} is not for this path\n`);
    return reply(response, 404, `try ${listed(all)}\n`);
  };
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    // What is thrown, or a rejection that nobody takes, would end the process.
    (async () => answer(request, response))().catch((thrown) => fail(response, thrown));
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    // After it listens there can be more, such as a connection for which there is no file descriptor.
    server.on('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(options, cause)));
    server.listen(port, host, resolve);
  });
  server.unref();
  return server;
}

/** Where it is asked. @param host that it listens on */
export function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
}

function fail(response: ServerResponse, thrown: unknown): void {
  if (response.headersSent) response.destroy();
  else reply(response, 500, `${(thrown as Error).message}\n`);
}

/** What one may want to see first. */
function listed(routes: readonly Route[]): string {
  const paths = routes.filter(({ kind, path }) => kind === 'health' || kind === 'metrics' || path === '/');
  const names = paths.map(({ path }) => path);
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** Answers with a text. */
export function reply(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}

function cannotListen({ portName, host, port }: ServerOptions, cause: NodeJS.ErrnoException): SluiceError {
  const remedy = cause.code === 'EADDRINUSE' || cause.code === 'EACCES' ? 'choose another port' : 'see HTTP_HOST';
  const off = portName === 'METRICS_PORT' ? '; 0 turns metrics, health and the page off' : '';
  return new SluiceError(
    'SLUICE_CONFIG',
    `${portName}=${port}: cannot listen on ${host}:${port} (${cause.code}): ${remedy}${off}`,
    { cause },
  );
}
