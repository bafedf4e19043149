/** The settings of the HTTP server: where it listens, and who may ask. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { secretFile } from '../core/secret-file.js';
import { type Settings, setting, someText, text } from '../core/settings.js';

/** What can be open to everyone, for probes and for Prometheus, although there is a token. */
export const OPEN = ['health', 'metrics'] as const;
export type Open = (typeof OPEN)[number];

const MIN_TOKEN_CHARACTERS = 16;
const TOKEN = new RegExp(`^[\\x21-\\x7e]{${MIN_TOKEN_CHARACTERS},}$`);

export const httpSettings = z.object({
  host: setting(
    'HTTP_HOST',
    'where health, metrics and the page are served; anything but the loopback interface needs a token',
    text(/^[\w.:-]+$/, 'must be an address or a host name').prefault('127.0.0.1'),
  ),
  token: setting(
    'HTTP_TOKEN',
    `what each request must have, ${MIN_TOKEN_CHARACTERS} characters or more: \`Authorization: Bearer …\`, ` +
      "or the cookie of the page's login",
    someText().optional(),
  ),
  tokenFile: setting('HTTP_TOKEN_FILE', 'a file with the token, in place of `HTTP_TOKEN`', secretFile().optional()),
  open: setting(
    'HTTP_OPEN',
    'what needs no token: `health`, `metrics`, both, or `none`',
    z
      .string()
      .transform((list, context): readonly Open[] => {
        const names = list.split(',').map((name) => name.trim());
        if (names.length === 1 && names[0] === 'none') return [];
        if (names.every((name): name is Open => (OPEN as readonly string[]).includes(name))) return names;
        context.addIssue(`must be none, or some of ${OPEN.join(', ')} with commas between`);
        return z.NEVER;
      })
      .prefault(OPEN.join(',')),
  ),
});

type HttpSettings = Settings<typeof httpSettings>;

/** Where it listens, and who may ask. */
export interface HttpOptions extends Pick<HttpSettings, 'host' | 'open'> {
  /** Undefined: nobody needs one. */
  readonly token: string | undefined;
}

/** Addresses and names that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/** What the variables need of each other. A token is in no message. */
export function httpProblems({ host, token, tokenFile }: HttpSettings): string[] {
  const problems: string[] = [];
  if (token !== undefined && tokenFile !== undefined) {
    problems.push('HTTP_TOKEN and HTTP_TOKEN_FILE: one of them is enough');
  }
  for (const [name, value] of Object.entries({ HTTP_TOKEN: token, HTTP_TOKEN_FILE: tokenFile })) {
    if (value === undefined || TOKEN.test(value)) continue;
    problems.push(
      `${name}: a token must have ${MIN_TOKEN_CHARACTERS} characters or more, without white space, in ASCII`,
    );
  }
  if (!isLoopback(host) && (token ?? tokenFile) === undefined) {
    problems.push(`HTTP_HOST="${host}": other machines reach it: set HTTP_TOKEN or HTTP_TOKEN_FILE, or use 127.0.0.1`);
  }
  return problems;
}
