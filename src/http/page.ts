/** The page of a run, or of a data directory at rest, and what it asks for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from './access.js';
import { EventStream } from './event-stream.js';
import { type Route, reply } from './server.js';
import type { About, Outcome, ResultTable, Snapshot, TriedMessage } from './snapshot.js';
import { StaticFiles } from './static-files.js';

/** What the page shows. */
export interface PageContent {
  /** Where the bundle of the page is. */
  readonly folder: URL;
  readonly about: About;
  /** Undefined at rest. */
  readonly snapshot?: () => Promise<Snapshot>;
  /**
   * Runs a statement that reads.
   * @param signal ends it
   * @throws SluiceError if it is refused or fails
   */
  query(sql: string, signal: AbortSignal): Promise<ResultTable>;
  /** What the kernel makes of a message. */
  tryMessage(value: Uint8Array | null, key: Uint8Array | null): Promise<Outcome>;
}

/** Of a request, in bytes: more than the longest query, and a message of a megabyte in base64. */
const MAX_BODY_BYTES = 2 << 20;
/** Of a login, which everyone can send. */
const MAX_LOGIN_BYTES = 4 << 10;
const WRONG_TOKEN = '<p role="alert">This is not the token.</p>';

type Handle = (body: string, response: ServerResponse) => Promise<void>;

export class LivePage {
  readonly files: StaticFiles;
  readonly #content: PageContent;
  readonly #events: EventStream | undefined;

  constructor(content: PageContent) {
    this.#content = content;
    this.files = new StaticFiles(content.folder);
    this.#events = content.snapshot && new EventStream(content.snapshot);
  }

  routes(access: Access): Route[] {
    const { about, query, tryMessage } = this.#content;
    const events: Route[] = this.#events ? [{ path: '/api/events', kind: 'api', handle: this.#events.listen }] : [];
    return [
      ...this.files.routes(),
      { path: '/login', kind: 'login', method: 'POST', handle: this.#login(access) },
      { path: '/api/about', kind: 'api', handle: (_, response) => json(response, 200, about) },
      ...events,
      posted('/api/query', async (body, response) => {
        const ending = new AbortController();
        response.on('close', () => ending.abort());
        const { sql } = JSON.parse(body) as { sql: string };
        json(response, 200, await query(String(sql), ending.signal));
      }),
      posted('/api/parse', async (body, response) => {
        const { value, key } = JSON.parse(body) as TriedMessage;
        const bytes = (text: string | null) => (text === null ? null : Buffer.from(String(text), 'base64'));
        json(response, 200, await tryMessage(bytes(value), bytes(key ?? null)));
      }),
    ];
  }

  /** Lets go of the pages that listen. */
  close(): void {
    this.#events?.close();
  }

  #login(access: Access): Route['handle'] {
    return async (request, response) => {
      const token = new URLSearchParams(await bodyOf(request, MAX_LOGIN_BYTES)).get('token') ?? '';
      const cookie = access.login(request, token);
      if (cookie === undefined) this.files.unauthorized(request, response, 'this is not the token', WRONG_TOKEN);
      else response.writeHead(303, { location: '/', 'set-cookie': cookie }).end();
    };
  }
}

/** A route that takes JSON, and answers what goes wrong with an error in JSON. No form of another site can send it. */
function posted(path: string, handle: Handle): Route {
  return {
    path,
    kind: 'api',
    method: 'POST',
    handle: async (request, response) => {
      if (request.headers['content-type'] !== 'application/json') {
        return json(response, 415, { error: 'content-type: application/json is needed' });
      }
      try {
        await handle(await bodyOf(request, MAX_BODY_BYTES), response);
      } catch (thrown) {
        json(response, 400, { error: (thrown as Error).message });
      }
    },
  };
}

function json(response: ServerResponse, status: number, value: unknown): void {
  reply(response, status, JSON.stringify(value), 'application/json');
}

/** @throws if it is too long */
async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > maxBytes) throw new Error(`more than ${maxBytes} bytes are not taken`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
