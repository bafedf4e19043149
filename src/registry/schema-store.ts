/**
 * The schemas of a topic, fetched once each, beside the loop that consumes: a batch waits for those that it needs, and
 * nothing else does.
 *
 *   batch ─ refs ▶ known? ──────────────────────▶ worker
 *                   │ on disk?
 *                   └─ registry: down ─▶ again, with pauses, until it is back
 *                                404  ─▶ again, for UNKNOWN_WAIT, then the run ends, or they are quarantined
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { untilAborted } from '../core/abort.js';
import { SluiceError } from '../core/errors.js';
import type { BatchTask, SchemaRef, SchemaText } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import { LONG_PAUSE_MS, RETRY_PAUSES_MS } from '../core/retry.js';
import type { TableSpec } from '../schema/spec.js';
import { parseAvroSchema } from './avro-schema.js';
import { type RegisteredSchema, RegistryClient } from './client.js';
import { nameOf, schemaRefsOf } from './frame.js';
import { unreadableColumns } from './readable.js';
import { SchemaCache } from './schema-cache.js';
import type { RegistrySettings } from './settings.js';

export interface StoreOptions extends RegistrySettings {
  readonly url: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly topic: string;
  readonly spec: TableSpec;
  /** What becomes of messages whose schema cannot be had. */
  readonly onUnknownSchema: 'fail' | 'quarantine';
}

export interface StoreHooks {
  /** A request failed, and is repeated. */
  onError(error: SluiceError): void;
  /** A column cannot be read from messages of a schema. */
  onUnreadable(): void;
}

/** Schemas that are kept, and that are asked for at a time: damaged messages can name any number of them. */
const [MAX_KNOWN, MAX_PENDING] = [1000, 1000];

/** What schemas of topics are called by default: the TopicNameStrategy. */
const SUBJECT_SUFFIX = '-value';

export class SchemaStore {
  readonly #options: StoreOptions;
  readonly #hooks: StoreHooks;
  readonly #log: Logger;
  readonly #client: RegistryClient;
  readonly #cache: SchemaCache;
  readonly #closed = new AbortController();
  readonly #known = new Map<SchemaRef, SchemaText>();
  readonly #pending = new Map<SchemaRef, Promise<SchemaText>>();
  /** Ids of which the spec was compared with the schema. */
  readonly #compared = new Set<number>();
  #waitingBatches = 0;
  /** What the registry failed with last, until it answers again. */
  #outage: SluiceError | undefined;
  /** When the last outage ended; `performance.now()`. */
  #backSinceMs = 0;
  /** Why schemas are waited for that the registry does not know. */
  readonly #unknown = new Map<SchemaRef, string>();

  constructor(options: StoreOptions, hooks: StoreHooks, log: Logger) {
    this.#options = options;
    this.#hooks = hooks;
    this.#log = log;
    this.#client = new RegistryClient(options);
    this.#cache = new SchemaCache(options.dataDir, options.url);
  }

  /** Batches that wait for a schema. */
  get waitingBatches(): number {
    return this.#waitingBatches;
  }

  /** What batches wait for, in words; undefined if none does, or only for an answer that is under way. */
  get waitingFor(): string | undefined {
    if (this.#waitingBatches === 0) return undefined;
    const [unknown] = this.#unknown.values();
    return this.#outage?.message ?? unknown;
  }

  /**
   * Compares the newest schema of the topic with the spec, and with what the cache has for its id. A registry that does
   * not answer holds nothing up.
   * @throws SluiceError SLUICE_REGISTRY if it refuses access, or TLS is not possible with the certificates
   */
  async open(): Promise<void> {
    this.#client.checkCertificates();
    const subject = `${this.#options.topic}${SUBJECT_SUFFIX}`;
    try {
      const latest = await this.#client.latest(subject);
      if (latest !== undefined) this.#checkCache(latest.schema);
      if (latest === undefined) this.#log.info({ subject }, 'the schema registry has no such subject yet');
      else this.#compare(latest.schema, [{ subject, version: latest.version }]);
    } catch (thrown) {
      if (!(thrown instanceof SluiceError) || !thrown.retryable) throw thrown;
      this.#log.warn({ code: thrown.code }, `${thrown.message}; batches of schemas that are not known yet will wait`);
    }
  }

  /**
   * Gives the task of a batch the schemas that its messages need, once they are there.
   * @throws SluiceError SLUICE_UNKNOWN_SCHEMA; at once when the batch is dropped
   */
  async prepare(task: BatchTask, dropped: AbortSignal): Promise<BatchTask> {
    const sinceMs = performance.now();
    const refs = schemaRefsOf(task.chunks);
    const known = refs.map((ref) => this.#recall(ref)).filter((schema) => schema !== undefined);
    if (known.length === refs.length) return { ...task, schemas: known };
    if (this.#options.valueFormat === 'json-schema') {
      // They are read without: what the spec cannot read is told when they are there.
      for (const ref of refs.slice(0, MAX_PENDING - this.#pending.size)) this.#schema(ref, sinceMs).catch(() => {});
      return { ...task, schemas: known };
    }
    this.#waitingBatches++;
    try {
      return { ...task, schemas: await untilAborted(dropped, this.#schemas(refs, sinceMs, dropped)) };
    } finally {
      this.#waitingBatches--;
    }
  }

  /** Ends all waiting: what waits is dropped. */
  close(): void {
    this.#closed.abort();
    this.#client.close();
  }

  async #schemas(refs: readonly SchemaRef[], sinceMs: number, dropped: AbortSignal): Promise<SchemaText[]> {
    const schemas: Promise<SchemaText>[] = [];
    for (const ref of refs) {
      // What that fails with, who waits for it is told.
      while (this.#pending.size >= MAX_PENDING)
        await this.#pending
          .values()
          .next()
          .value?.catch(() => {});
      dropped.throwIfAborted();
      const schema = this.#schema(ref, sinceMs);
      schema.catch(() => {});
      schemas.push(schema);
    }
    return await Promise.all(schemas);
  }

  /** Asked for once, however many batches wait for it. @param sinceMs since when it is wanted */
  #schema(ref: SchemaRef, sinceMs: number): Promise<SchemaText> {
    const known = this.#recall(ref);
    if (known !== undefined) return Promise.resolve(known);
    const pending = this.#pending.get(ref);
    if (pending !== undefined) return pending;
    const loading = this.#load(ref, sinceMs).finally(() => {
      this.#pending.delete(ref);
      this.#unknown.delete(ref);
    });
    this.#pending.set(ref, loading);
    return loading;
  }

  /** One that is known; it is kept longest now. */
  #recall(ref: SchemaRef): SchemaText | undefined {
    const known = this.#known.get(ref);
    if (known !== undefined) this.#keep(known);
    return known;
  }

  #keep(schema: SchemaText): void {
    this.#known.delete(schema.ref);
    this.#known.set(schema.ref, schema);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN) this.#known.delete(oldest);
  }

  async #load(ref: SchemaRef, sinceMs: number): Promise<SchemaText> {
    const cached = this.#cache.read(ref);
    const found = cached ?? (await this.#fetch(ref, sinceMs));
    const problem = found === undefined ? `it does not know the ${nameOf(ref)}` : this.#problemOf(found);
    if (found === undefined || problem !== undefined) return this.#unusable(ref, found?.id, problem ?? '');
    if (cached === undefined) this.#cache.write(ref, found);
    const { id, text, references } = found;
    const schema = { ref, id, text, references };
    this.#keep(schema);
    if (!this.#compared.has(id)) {
      this.#compared.add(id);
      // Nothing waits for its version.
      const versions = this.#client.versions(id).catch(() => []);
      void versions.then((versions) => this.#compare(found, versions));
    }
    return schema;
  }

  /** A registry that was set up anew behind its URL gives old ids to other schemas. */
  #checkCache(latest: RegisteredSchema): void {
    const cached = this.#cache.read(latest.id);
    if (cached === undefined || cached.text === latest.text) return;
    this.#cache.clear();
    this.#log.warn(
      { schemaId: latest.id },
      `the schema registry has another schema of id ${latest.id} than before: forgetting those that were kept, as it ` +
        'was set up anew. Messages from before it name ids that mean something else now',
    );
  }

  /** Why a schema cannot be used. */
  #problemOf({ id, type, text, references }: RegisteredSchema): string | undefined {
    const wanted = this.#options.valueFormat === 'avro' ? 'AVRO' : 'JSON';
    if (type !== wanted) return `its schema ${id} is ${type}, VALUE_FORMAT=${this.#options.valueFormat}`;
    if (wanted !== 'AVRO') return undefined;
    try {
      parseAvroSchema(text, references);
      return undefined;
    } catch (thrown) {
      return `its schema ${id} cannot be used: ${(thrown as Error).message}`;
    }
  }

  #unusable(ref: SchemaRef, foundId: number | undefined, problem: string): SchemaText {
    const { url, onUnknownSchema, valueFormat } = this.#options;
    const what = `the schema registry SCHEMA_REGISTRY_URL=${url} has no schema for messages: ${problem}`;
    if (onUnknownSchema === 'fail' && valueFormat === 'avro') {
      throw new SluiceError(
        'SLUICE_UNKNOWN_SCHEMA',
        `${what}. Nothing of them was committed. Point SCHEMA_REGISTRY_URL to the registry that their producer uses, ` +
          'or restore the schema in it; to quarantine them, run with --on-unknown-schema quarantine',
      );
    }
    const unusable = { ref, id: typeof ref === 'number' ? ref : foundId, text: undefined, references: [] };
    this.#keep(unusable);
    const message = `${what}${valueFormat === 'avro' ? '; they are quarantined' : ''}`;
    this.#log.error({ code: 'SLUICE_UNKNOWN_SCHEMA', schemaId: ref }, message);
    return unusable;
  }

  /** @returns undefined if the registry does not know it for too long */
  async #fetch(ref: SchemaRef, sinceMs: number): Promise<RegisteredSchema | undefined> {
    for (let attempt = 0; ; attempt++) {
      try {
        const schema = await this.#client.schema(ref);
        this.#answered();
        if (schema !== undefined) return schema;
        // Of the whole batch, not of each thousand of its ids.
        const unknownMs = performance.now() - Math.max(sinceMs, this.#backSinceMs);
        if (unknownMs >= this.#options.unknownWaitMs) return undefined;
        if (!this.#unknown.has(ref)) this.#noteUnknown(ref);
      } catch (thrown) {
        if (this.#closed.signal.aborted || !(thrown instanceof SluiceError)) throw thrown;
        this.#failed(thrown);
      }
      await sleep(RETRY_PAUSES_MS[attempt] ?? LONG_PAUSE_MS, undefined, { signal: this.#closed.signal });
    }
  }

  #noteUnknown(ref: SchemaRef): void {
    const seconds = this.#options.unknownWaitMs / 1e3;
    const message = `the schema registry does not know the ${nameOf(ref)}`;
    this.#unknown.set(ref, message);
    this.#log.warn({ schemaId: ref }, `${message}: asking again for ${seconds} s, as a replica can be behind`);
  }

  #failed(error: SluiceError): void {
    this.#hooks.onError(error);
    if (this.#outage === undefined) {
      const { code, message } = error;
      this.#log.warn({ code }, `${message}; batches of schemas that are not known yet wait until it is back`);
    }
    this.#outage = error;
  }

  #answered(): void {
    if (this.#outage === undefined) return;
    this.#log.info('the schema registry answers again');
    this.#outage = undefined;
    this.#backSinceMs = performance.now();
  }

  /** Names the columns that cannot be read from messages of the schema. */
  #compare(
    schema: RegisteredSchema,
    versions: readonly { readonly subject: string; readonly version: number }[],
  ): void {
    const { spec } = this.#options;
    this.#compared.add(schema.id);
    try {
      const { subject, version } = versions.find((of) => of.subject.endsWith(SUBJECT_SUFFIX)) ?? versions[0] ?? {};
      for (const { column, field, problem } of unreadableColumns(spec, schema)) {
        this.#hooks.onUnreadable();
        this.#log.warn(
          { column, field, schemaId: schema.id, subject, version },
          `schema id ${schema.id} does not suit the table spec: column ${column}, field ${field}: ${problem}`,
        );
      }
    } catch (thrown) {
      this.#log.warn({ schemaId: schema.id }, `schema ${schema.id} cannot be compared: ${(thrown as Error).message}`);
    }
  }
}
