/** A schema registry by its REST API, https://docs.confluent.io/platform/current/schema-registry/develop/api.html. */
import { X509Certificate } from 'node:crypto';
import { type Agent, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { createSecureContext } from 'node:tls';
import { SluiceError } from '../core/errors.js';
import type { SchemaRef } from '../core/flow.js';
import type { RegistrySettings } from './settings.js';

export interface RegisteredSchema {
  readonly id: number;
  /** `AVRO`, `JSON`, `PROTOBUF`. */
  readonly type: string;
  readonly text: string;
  /** The schemas that it refers to, each after those that it refers to itself. */
  readonly references: readonly string[];
}

/** A version of a subject. */
export interface SubjectVersion {
  readonly subject: string;
  readonly version: number;
}

export type ClientOptions = Pick<RegistrySettings, 'user' | 'password' | 'ca' | 'cert' | 'key'> & { url: string };

interface Reference {
  readonly subject: string;
  readonly version: number;
}

interface SchemaAnswer {
  readonly schema: string;
  /** Some registries write null for what others leave out. */
  readonly schemaType?: string | null;
  readonly references?: readonly Reference[] | null;
}

const TIMEOUT_MS = 10_000;
/** A batch of damaged messages can name thousands of ids. */
const MAX_CONNECTIONS = 4;
const MAX_ANSWER_BYTES = 64 << 20;
const MAX_REFERENCES = 1000;
/** Of what is wrong with certificates, or is no TLS: https://nodejs.org/api/tls.html#x509-certificate-error-codes. */
const TLS_ERRORS = /^(CERT_|CRL_|DEPTH_ZERO_|EPROTO|ERR_(OSSL|SSL|TLS)_|HOSTNAME_|INVALID_|SELF_SIGNED_|UNABLE_TO_)/;
/** What to do about a request without an answer: the first whose pattern is in the error's code or text. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/wrong.version.number|packet.length/i, 'there is no TLS: is it http://?'],
  [/alert/i, 'set SCHEMA_REGISTRY_CERT and SCHEMA_REGISTRY_KEY to a certificate that it accepts'],
  [/ALTNAME/, 'SCHEMA_REGISTRY_URL must have a name that its certificate is for'],
  [/EXPIRED|NOT_YET_VALID/, 'its certificate must be renewed'],
  [TLS_ERRORS, 'set SCHEMA_REGISTRY_CA to the authority of its certificate'],
  [/^ECONNRESET/, 'is it https://, or does it not accept SCHEMA_REGISTRY_CERT?'],
  [/^/, 'start it, or correct SCHEMA_REGISTRY_URL'],
];
/** Of the API: no such subject, version, schema. A path that is not of the API is 404 for it. */
const UNKNOWN_CODES: ReadonlySet<unknown> = new Set([40401, 40402, 40403]);

export class RegistryClient {
  readonly #options: ClientOptions;
  readonly #agent: Agent;
  readonly #closed = new AbortController();
  /** Then it is one, and its URL is right. */
  #hasAnswered = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    const { url, ca, cert, key } = options;
    const keep = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
    this.#agent = url.startsWith('https:') ? new HttpsAgent({ ...keep, ca, cert, key }) : new HttpAgent(keep);
  }

  /** @throws SluiceError SLUICE_REGISTRY if the PEM files cannot be used, or do not belong together */
  checkCertificates(): void {
    const { ca, cert, key } = this.#options;
    try {
      for (const pem of [ca, cert]) if (pem !== undefined) new X509Certificate(pem);
      createSecureContext({ ca, cert, key });
    } catch (cause) {
      const files = 'SCHEMA_REGISTRY_CA, SCHEMA_REGISTRY_CERT and SCHEMA_REGISTRY_KEY';
      throw this.#error(`${files} are no PEM files that belong together: ${reasonOf(cause)}`, false, cause);
    }
  }

  /**
   * The schema of an id or a GUID, which is of one schema in all registries.
   * @returns undefined if the registry does not know it
   * @throws SluiceError SLUICE_REGISTRY, `retryable` unless the registry refuses the request
   */
  async schema(ref: SchemaRef): Promise<RegisteredSchema | undefined> {
    const id = typeof ref === 'number' ? ref : await this.#idOf(ref);
    if (id === undefined) return undefined;
    const answer = await this.#get<SchemaAnswer>(`/schemas/ids/${id}`);
    return answer && (await this.#resolved(id, answer));
  }

  /** The newest version of a subject. @returns undefined if there is none @throws as `schema` */
  async latest(subject: string): Promise<{ schema: RegisteredSchema; version: number } | undefined> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/latest`;
    const answer = await this.#get<SchemaAnswer & { id: number; version: number }>(path);
    return answer && { schema: await this.#resolved(answer.id, answer), version: answer.version };
  }

  /** The versions that have this schema; empty if the registry does not say. @throws as `schema` */
  async versions(id: number): Promise<readonly SubjectVersion[]> {
    return (await this.#get<SubjectVersion[]>(`/schemas/ids/${id}/versions`)) ?? [];
  }

  async #idOf(guid: string): Promise<number | undefined> {
    // Not every registry has GUIDs: one that answered before says by any 404 that it does not know this one.
    const isMissing = (body: string) => this.#hasAnswered || isUnknown(body);
    const ids = await this.#get<readonly { readonly id: number }[]>(`/schemas/guids/${guid}/ids`, isMissing);
    return ids?.[0]?.id;
  }

  /** Ends requests that are under way. */
  close(): void {
    this.#closed.abort();
    this.#agent.destroy();
  }

  async #resolved(id: number, { schema, schemaType, references }: SchemaAnswer): Promise<RegisteredSchema> {
    const found = new Map<string, string>();
    for (const reference of references ?? []) await this.#collect(reference, found, new Set());
    return { id, type: schemaType ?? 'AVRO', text: schema, references: [...found.values()] };
  }

  /** Those that it refers to come first. */
  async #collect({ subject, version }: Reference, found: Map<string, string>, around: Set<string>): Promise<void> {
    const name = `${subject} version ${version}`;
    if (found.has(name) || around.has(name)) return;
    if (found.size > MAX_REFERENCES) throw this.#error(`more than ${MAX_REFERENCES} references`, false);
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`;
    const answer = await this.#get<SchemaAnswer>(path);
    if (answer === undefined) throw this.#error(`it does not know ${name}, which a schema refers to`, true);
    const within = new Set(around).add(name);
    for (const reference of answer.references ?? []) await this.#collect(reference, found, within);
    found.set(name, answer.schema);
  }

  /** @returns undefined if the registry says that there is no such thing: any other 404 is of what is before it */
  async #get<T>(path: string, isMissing = isUnknown): Promise<T | undefined> {
    let status: number;
    let body: string;
    try {
      ({ status, body } = await this.#send(path));
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      const [, advice] = ADVICE.find(([pattern]) => pattern.test(`${code} ${message}`))!;
      throw this.#error(`${reasonOf(cause)}: ${advice}`, !TLS_ERRORS.test(String(code)), cause);
    }
    if (status === 404 && isMissing(body)) return undefined;
    if (status === 401 || status === 403) {
      const what = this.#options.user === undefined ? 'set SCHEMA_REGISTRY_USER' : 'correct SCHEMA_REGISTRY_USER';
      throw this.#error(`it refuses access (HTTP ${status}): ${what} and SCHEMA_REGISTRY_PASSWORD`, false);
    }
    if (status !== 200) {
      const advice = status === 404 ? '. Has SCHEMA_REGISTRY_URL the path of its API?' : '';
      throw this.#error(`HTTP ${status} for ${path}: ${body.slice(0, 200)}${advice}`, true);
    }
    try {
      const answer = JSON.parse(body) as T;
      this.#hasAnswered = true;
      return answer;
    } catch (cause) {
      throw this.#error(`its answer to ${path} is not JSON: is it a schema registry?`, true, cause);
    }
  }

  #send(path: string): Promise<{ status: number; body: string }> {
    const { url, user, password } = this.#options;
    const request = url.startsWith('https:') ? requestHttps : requestHttp;
    const auth = user === undefined ? undefined : `${user}:${password}`;
    const accept = 'application/vnd.schemaregistry.v1+json, application/json';
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    return new Promise((resolve, reject) => {
      const sent = request(`${url}${path}`, { agent: this.#agent, auth, headers: { accept }, signal }, (response) => {
        bodyOf(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  #error(reason: string, retryable: boolean, cause?: unknown): SluiceError {
    const message = `the schema registry SCHEMA_REGISTRY_URL=${this.#options.url} cannot be used: ${reason}`;
    return new SluiceError('SLUICE_REGISTRY', message, { cause, retryable });
  }
}

/** Whether the body of a 404 is that of a registry that does not know the subject, the version or the schema. */
function isUnknown(body: string): boolean {
  try {
    return UNKNOWN_CODES.has((JSON.parse(body) as { error_code?: unknown } | null)?.error_code);
  } catch {
    return false;
  }
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response) {
    parts.push(part);
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('its answer is too large');
  }
  return Buffer.concat(parts).toString();
}

/** What a failed request says; OpenSSL's is in `reason`, and an AggregateError of several addresses has no message. */
function reasonOf(cause: unknown): string {
  const { name, message, code, reason } = cause as NodeJS.ErrnoException & { reason?: string };
  if (name === 'AbortError' || name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1e3} s`;
  return reason || message || String(code);
}
