/** The files of the page: these names and no others, so that no path leads elsewhere. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RouteKind } from './access.js';
import { type Route, reply } from './server.js';

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
} as const;

interface PageFile {
  readonly path: string;
  readonly name: `${string}.${keyof typeof TYPES}`;
  readonly kind: RouteKind;
}

/** The style has nothing to hide, and the login needs it. */
const FILES: readonly PageFile[] = [
  { path: '/', name: 'index.html', kind: 'page' },
  { path: '/main.js', name: 'main.js', kind: 'page' },
  { path: '/main.css', name: 'main.css', kind: 'style' },
];
const LOGIN_FILE = 'login.html';
/** In the login page, in place of which it says that a token was wrong. */
const NOTE = '<!-- note -->';

interface Content {
  readonly bytes: Buffer;
  readonly etag: string;
}

export class StaticFiles {
  readonly #folder: URL;
  /** Read when they are first asked for: a run that nobody looks at has no use for them. */
  readonly #contents = new Map<string, Content>();

  /** @param folder where the bundle of the page is */
  constructor(folder: URL) {
    this.#folder = folder;
  }

  routes(): Route[] {
    return FILES.map(({ path, name, kind }) => ({
      path,
      kind,
      handle: (request, response) => {
        const { bytes, etag } = this.#content(name);
        response.setHeader('etag', etag).setHeader('cache-control', 'no-cache');
        if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
        else reply(response, 200, bytes, TYPES[name.split('.')[1] as keyof typeof TYPES]);
      },
    }));
  }

  /** What is shown to a browser that has no token yet, as 401; to what is no browser, why. */
  readonly unauthorized = ({ headers }: IncomingMessage, response: ServerResponse, why: string, note = ''): void => {
    if (headers.accept?.includes('text/html')) {
      reply(response, 401, this.#content(LOGIN_FILE).bytes.toString().replace(NOTE, note), TYPES.html);
    } else reply(response, 401, `${why}\n`);
  };

  #content(name: string): Content {
    let content = this.#contents.get(name);
    if (content === undefined) {
      const bytes = readFileSync(new URL(name, this.#folder));
      content = { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url')}"` };
      this.#contents.set(name, content);
    }
    return content;
  }
}
