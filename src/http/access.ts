/**
 * Who may ask what. Without a token everyone on this machine may, but no page of another site that a browser on it
 * shows: not across sites, and not under a name of its own that it points to the loopback interface (DNS rebinding).
 * With a token, whoever has it may.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type HttpOptions, isLoopback, type Open } from './settings.js';

/** What a route is, which decides what a request of it must have. */
export type RouteKind = Open | 'page' | 'api' | 'login' | 'style';

export interface Refusal {
  readonly status: 401 | 403 | 421;
  readonly why: string;
}

export class Access {
  readonly #options: HttpOptions;
  /** What the cookie has: it tells nothing of the token, and is over with it. */
  readonly #session: string | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    const { token } = options;
    this.#session = token && createHmac('sha256', token).update('sluice page').digest('hex');
  }

  /** Why a request is refused; undefined if it is not. */
  refusal(request: IncomingMessage, kind: RouteKind): Refusal | undefined {
    const { token, open } = this.#options;
    if (token === undefined && !this.#isOwnName(hostOf(request.headers.host))) {
      return { status: 421, why: 'this name is not one of this server: ask for 127.0.0.1, or for HTTP_HOST' };
    }
    if ((kind === 'api' || kind === 'login') && !isSameOrigin(request)) {
      return { status: 403, why: 'a page of another site may not ask here' };
    }
    if (token === undefined || kind === 'login' || kind === 'style') return undefined;
    if ((kind === 'health' || kind === 'metrics') && open.includes(kind)) return undefined;
    if (this.#hasToken(request)) return undefined;
    return { status: 401, why: 'a token is needed: Authorization: Bearer …, or the login of the page at /' };
  }

  /** The cookie for whoever has the token; undefined if this is not it. */
  login(request: IncomingMessage, given: string): string | undefined {
    const { token } = this.#options;
    if (token === undefined || !isEqual(given, token)) return undefined;
    return `${cookieName(request)}=${this.#session}; Path=/; HttpOnly; SameSite=Strict`;
  }

  #isOwnName(name: string | undefined): boolean {
    return name !== undefined && (isLoopback(name) || name === this.#options.host.toLowerCase());
  }

  #hasToken(request: IncomingMessage): boolean {
    const { token = '' } = this.#options;
    const [, bearer] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
    if (bearer !== undefined) return isEqual(bearer, token);
    const cookies = (request.headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
    const prefix = `${cookieName(request)}=`;
    const session = cookies.find((cookie) => cookie.startsWith(prefix))?.slice(prefix.length);
    return session !== undefined && isEqual(session, this.#session ?? '');
  }
}

/** A browser has the cookies of a host for all of its ports. */
function cookieName({ socket }: IncomingMessage): string {
  return `sluice_${socket.localPort}`;
}

/** In a time that does not tell how much of it is right. */
function isEqual(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** The name in a Host header, without its port. */
function hostOf(header: string | undefined): string | undefined {
  return header === undefined ? undefined : urlOf(`http://${header}`)?.hostname.replace(/^\[|\]$/g, '');
}

/** Whether no browser says that another site's page asks. What is no browser says nothing. */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const { origin, host } = headers;
  return origin === undefined || urlOf(origin)?.host === urlOf(`http://${host}`)?.host;
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
