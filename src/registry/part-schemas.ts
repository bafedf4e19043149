/**
 * The schemas that a topic's values name, or its keys, fetched once each:
 *
 *   batch ─ refs ▶ known? ──────────────────────▶ worker
 *                   │ on disk?
 *                   └─ registry: down ─▶ again, with pauses, until it is back
 *                                404  ─▶ again, for UNKNOWN_WAIT, then the run ends, or they are quarantined
 */
import { SluiceError } from '../core/errors.js';
import type { ChunkHandle, SchemaRef, SchemaText } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import { LONG_PAUSE_MS, RETRY_PAUSES_MS } from '../core/retry.js';
import type { TableSpec } from '../schema/spec.js';
import { parseAvroSchema } from './avro-schema.js';
import type { RegisteredSchema, SubjectVersion } from './client.js';
import { nameOf, schemaRefsOf } from './frame.js';
import { unreadableColumns } from './readable.js';
import type { RegistryAccess } from './registry-access.js';
import type { SchemaCache } from './schema-cache.js';
import { FORMAT_VARIABLES, type MessageFormat, type MessagePart, subjectOf } from './settings.js';

export interface PartOptions {
  readonly part: MessagePart;
  readonly format: Exclude<MessageFormat, 'json'>;
  readonly topic: string;
  readonly spec: TableSpec;
  readonly unknownWaitMs: number;
  /** What becomes of messages whose schema cannot be had. */
  readonly onUnknownSchema: 'fail' | 'quarantine';
  /** Told of a column that cannot be read from messages of a schema. */
  readonly onUnreadable: () => void;
}

/** Schemas that are kept, and that are asked for at a time: damaged messages can name any number of them. */
const [MAX_KNOWN, MAX_PENDING] = [1000, 1000];

/** How long a schema that could not be used is not asked for again. */
const UNUSABLE_MS = 60_000;

export class PartSchemas {
  readonly part: MessagePart;
  readonly #options: PartOptions;
  readonly #registry: RegistryAccess;
  readonly #cache: SchemaCache;
  readonly #log: Logger;
  readonly #known = new Map<SchemaRef, SchemaText>();
  readonly #pending = new Map<SchemaRef, Promise<SchemaText>>();
  /** Ids of which the spec was compared with the schema. */
  readonly #compared = new Set<number>();
  /** Since when schemas of `#known` are those that cannot be used; `performance.now()`. */
  readonly #unusableSince = new Map<SchemaRef, number>();
  /** Why schemas are waited for that the registry does not know. */
  readonly #unknown = new Map<SchemaRef, string>();

  constructor(options: PartOptions, registry: RegistryAccess, cache: SchemaCache, log: Logger) {
    this.part = options.part;
    this.#options = options;
    this.#registry = registry;
    this.#cache = cache;
    this.#log = log;
  }

  /** Which schema is waited for that the registry does not know, in words. */
  get unknown(): string | undefined {
    const [first] = this.#unknown.values();
    return first;
  }

  /**
   * Compares the newest schema of the topic with the spec, and with what the cache has for its id.
   * @throws SluiceError SLUICE_REGISTRY
   */
  async open(): Promise<void> {
    const subject = subjectOf(this.#options.topic, this.part);
    const latest = await this.#registry.client.latest(subject);
    if (latest === undefined) {
      this.#log.info({ subject }, 'the schema registry has no such subject yet');
      return;
    }
    this.#checkCache(latest.schema);
    this.#compare(latest.schema, [{ subject, version: latest.version }]);
  }

  /**
   * The schemas that messages need to be read, at once if they are known.
   * @throws SluiceError SLUICE_UNKNOWN_SCHEMA; at once when the batch is dropped
   */
  schemasOf(
    chunks: readonly ChunkHandle[],
    sinceMs: number,
    dropped: AbortSignal,
  ): readonly SchemaText[] | Promise<readonly SchemaText[]> {
    const refs = schemaRefsOf(chunks, this.part);
    const known = refs.map((ref) => this.#recall(ref)).filter((schema) => schema !== undefined);
    if (known.length === refs.length) return known;
    if (this.#options.format === 'avro') return this.#schemas(refs, sinceMs, dropped);
    // They are read without: what the spec cannot read is told when they are there.
    for (const ref of refs.slice(0, MAX_PENDING - this.#pending.size)) this.#schema(ref, sinceMs).catch(() => {});
    return known;
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

  /** One that is known, unless it could not be used and may be there by now; it is kept longest now. */
  #recall(ref: SchemaRef): SchemaText | undefined {
    const known = this.#known.get(ref);
    if (known === undefined) return undefined;
    this.#keep(known);
    const sinceMs = this.#unusableSince.get(ref);
    return sinceMs === undefined || performance.now() - sinceMs < UNUSABLE_MS ? known : undefined;
  }

  #keep(schema: SchemaText): void {
    this.#known.delete(schema.ref);
    this.#known.set(schema.ref, schema);
    if (this.#known.size <= MAX_KNOWN) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest);
    this.#unusableSince.delete(oldest);
  }

  async #load(ref: SchemaRef, sinceMs: number): Promise<SchemaText> {
    const cached = this.#cache.read(ref);
    // One that could not be used before was waited for then.
    const waitMs = this.#unusableSince.has(ref) ? 0 : this.#options.unknownWaitMs;
    const found = cached ?? (await this.#fetch(ref, sinceMs, waitMs));
    const problem =
      found === undefined ? `it does not know the ${nameOf(ref)}` : problemOf(found, this.part, this.#options.format);
    if (found === undefined || problem !== undefined) return this.#unusable(ref, found?.id, problem ?? '');
    if (cached === undefined) this.#cache.write(ref, found);
    const { id, text, references } = found;
    const schema = { ref, id, text, references };
    this.#keep(schema);
    if (this.#unusableSince.delete(ref)) {
      this.#log.info({ schemaId: ref }, `the schema registry has the ${nameOf(ref)} now: its messages are read`);
    }
    if (!this.#compared.has(id)) {
      this.#compared.add(id);
      // Nothing waits for its version.
      const versions = this.#registry.client.versions(id).catch(() => []);
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

  #unusable(ref: SchemaRef, foundId: number | undefined, problem: string): SchemaText {
    const { onUnknownSchema, format } = this.#options;
    const what = this.part === 'key' ? 'keys of messages' : 'messages';
    const { url } = this.#registry;
    const message = `the schema registry SCHEMA_REGISTRY_URL=${url} has no schema for ${what}: ${problem}`;
    if (onUnknownSchema === 'fail' && format === 'avro') {
      throw new SluiceError(
        'SLUICE_UNKNOWN_SCHEMA',
        `${message}. Nothing of them was committed. Point SCHEMA_REGISTRY_URL to the registry that their producer ` +
          'uses, or restore the schema in it; to quarantine them, run with --on-unknown-schema quarantine',
      );
    }
    const id = typeof ref === 'number' ? ref : (foundId ?? this.#known.get(ref)?.id);
    const unusable = { ref, id, text: undefined, references: [] };
    this.#keep(unusable);
    const isNews = !this.#unusableSince.has(ref);
    this.#unusableSince.set(ref, performance.now());
    if (!isNews) return unusable;
    const fate = format === 'avro' ? '; they are quarantined' : '';
    this.#log.error({ code: 'SLUICE_UNKNOWN_SCHEMA', schemaId: ref }, `${message}${fate}`);
    return unusable;
  }

  /** @returns undefined if the registry does not know it for too long, `waitMs`, or is down and did not know it */
  async #fetch(ref: SchemaRef, sinceMs: number, waitMs: number): Promise<RegisteredSchema | undefined> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#registry.ask((client) => client.schema(ref));
      if (answer?.found !== undefined) return answer.found;
      // No outage keeps messages waiting that were quarantined without it.
      if (answer === undefined && this.#unusableSince.has(ref)) return undefined;
      if (answer !== undefined) {
        // Of the whole batch, not of each thousand of its ids.
        const unknownMs = performance.now() - Math.max(sinceMs, this.#registry.backSinceMs);
        if (unknownMs >= waitMs) return undefined;
        if (!this.#unknown.has(ref)) this.#noteUnknown(ref);
      }
      await this.#registry.pause(RETRY_PAUSES_MS[attempt] ?? LONG_PAUSE_MS);
    }
  }

  #noteUnknown(ref: SchemaRef): void {
    const seconds = this.#options.unknownWaitMs / 1e3;
    const message = `the schema registry does not know the ${nameOf(ref)}`;
    this.#unknown.set(ref, message);
    this.#log.warn({ schemaId: ref }, `${message}: asking again for ${seconds} s, as a replica can be behind`);
  }

  /** Names the columns that cannot be read from messages of the schema. */
  #compare(schema: RegisteredSchema, versions: readonly SubjectVersion[]): void {
    this.#compared.add(schema.id);
    try {
      const ofPart = versions.find((of) => of.subject.endsWith(subjectOf('', this.part)));
      const { subject, version } = ofPart ?? versions[0] ?? {};
      for (const { column, field, problem } of unreadableColumns(this.#options.spec, schema, this.part)) {
        this.#options.onUnreadable();
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

/** Why a schema cannot be used; undefined if it can. */
export function problemOf(
  { id, type, text, references }: RegisteredSchema,
  part: MessagePart,
  format: Exclude<MessageFormat, 'json'>,
): string | undefined {
  const wanted = format === 'avro' ? 'AVRO' : 'JSON';
  if (type !== wanted) return `its schema ${id} is ${type}, ${FORMAT_VARIABLES[part]}=${format}`;
  if (wanted !== 'AVRO') return undefined;
  try {
    parseAvroSchema(text, references);
    return undefined;
  } catch (thrown) {
    return `its schema ${id} cannot be used: ${(thrown as Error).message}`;
  }
}
