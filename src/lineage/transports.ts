/** Where events go: to a server by HTTP, to a file. */
import { appendFile } from 'node:fs/promises';

/** @throws Refused, which no repetition mends; any other Error can pass */
export type Send = (event: string, signal: AbortSignal) => Promise<void>;

export interface Transport {
  /** As the log calls it, with its variable. */
  readonly name: string;
  readonly send: Send;
}

/** What the server answers to an event that it will never take. */
export class Refused extends Error {}

const TIMEOUT_MS = 10_000;
/** Of the answers that begin with 4, those that pass: a timeout, too early, too many requests. */
const PASSING = new Set([408, 425, 429]);

export interface HttpTarget {
  readonly url: string;
  readonly endpoint: string;
  readonly apiKey: string | undefined;
}

/** As https://openlineage.io/apidocs/openapi has it: a POST per event, with the key as a bearer token. */
export function httpTransport({ url, endpoint, apiKey }: HttpTarget): Transport {
  const headers = {
    'content-type': 'application/json',
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  };
  const send: Send = async (body, signal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    // A redirect that is followed makes a GET of it, which takes no event.
    const request = { method: 'POST', headers, body, signal: limit, redirect: 'manual' } as const;
    const response = await fetch(`${url}/${endpoint}`, request);
    const answer = (await response.text()).slice(0, 200);
    if (response.ok) return;
    const said = `HTTP ${response.status}${answer === '' ? '' : `: ${answer}`}`;
    if (response.status >= 300 && response.status < 400) {
      throw new Refused(`${said}, a redirect to ${response.headers.get('location')}: OPENLINEAGE_URL must name that`);
    }
    if (response.status >= 400 && response.status < 500 && !PASSING.has(response.status)) throw new Refused(said);
    throw new Error(said);
  };
  return { name: `OPENLINEAGE_URL=${url}`, send };
}

/** One JSON per line, as the file transport of OpenLineage's Python client writes. */
export function fileTransport(path: string): Transport {
  const send: Send = async (event) => await appendFile(path, `${event}\n`);
  return { name: `LINEAGE_FILE=${path}`, send };
}
