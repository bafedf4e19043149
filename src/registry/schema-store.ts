/**
 * The schemas of a topic's values and keys, beside the loop that consumes: a batch waits for those that it needs, and
 * nothing else does.
 */
import { untilAborted } from '../core/abort.js';
import { SluiceError } from '../core/errors.js';
import type { BatchTask } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import { readsKeys } from '../schema/spec.js';
import { type PartOptions, PartSchemas } from './part-schemas.js';
import { RegistryAccess } from './registry-access.js';
import { SchemaCache } from './schema-cache.js';
import { framedFormats, type RegistrySettings, subjectOf } from './settings.js';

export interface StoreOptions extends RegistrySettings, Pick<PartOptions, 'topic' | 'spec' | 'onUnknownSchema'> {
  readonly url: string;
  /** Absolute. */
  readonly dataDir: string;
}

export interface StoreHooks extends Pick<PartOptions, 'onUnreadable'> {
  /** A request failed, and is repeated. */
  onError(error: SluiceError): void;
}

export class SchemaStore {
  readonly #options: StoreOptions;
  readonly #log: Logger;
  readonly #registry: RegistryAccess;
  readonly #parts: readonly PartSchemas[];
  #waitingBatches = 0;

  constructor(options: StoreOptions, { onError, onUnreadable }: StoreHooks, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#registry = new RegistryAccess(options, onError, log);
    const cache = new SchemaCache(options.dataDir, options.url);
    const { value, key } = framedFormats(options, options.spec);
    this.#parts = (
      [
        ['value', value],
        ['key', key],
      ] as const
    ).flatMap(([part, format]) => {
      if (format === undefined) return [];
      return new PartSchemas({ ...options, part, format, onUnreadable }, this.#registry, cache, log);
    });
  }

  /** Batches that wait for a schema. */
  get waitingBatches(): number {
    return this.#waitingBatches;
  }

  /** What batches wait for, in words; undefined if none does, or only for an answer that is under way. */
  get waitingFor(): string | undefined {
    if (this.#waitingBatches === 0) return undefined;
    return this.#registry.outage?.message ?? this.#parts.find(({ unknown }) => unknown !== undefined)?.unknown;
  }

  /**
   * Compares the newest schemas of the topic with the spec, and with what the cache has for their ids. A registry that
   * does not answer holds nothing up.
   * @throws SluiceError SLUICE_REGISTRY if it refuses access, or TLS is not possible with the certificates
   */
  async open(): Promise<void> {
    this.#registry.client.checkCertificates();
    try {
      for (const part of this.#parts) await part.open();
      await this.#warnOfKeys();
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
    const found = this.#parts.map((part) => part.schemasOf(task.chunks, sinceMs, dropped));
    if (!found.some((schemas) => schemas instanceof Promise)) return this.#given(task, await Promise.all(found));
    this.#waitingBatches++;
    try {
      return this.#given(task, await untilAborted(dropped, Promise.all(found)));
    } finally {
      this.#waitingBatches--;
    }
  }

  /** Ends all waiting: what waits is dropped. */
  close(): void {
    this.#registry.close();
  }

  #given(task: BatchTask, found: readonly NonNullable<BatchTask['schemas']>[]): BatchTask {
    const of = (wanted: string) => found[this.#parts.findIndex(({ part }) => part === wanted)];
    return { ...task, schemas: of('value'), keySchemas: of('key') };
  }

  /** A serializer that frames values most often frames keys: read as they are, each message would be quarantined. */
  async #warnOfKeys(): Promise<void> {
    const { keyFormat, spec, topic } = this.#options;
    if (keyFormat !== 'json' || !readsKeys(spec)) return;
    const subject = subjectOf(topic, 'key');
    if ((await this.#registry.client.latest(subject)) === undefined) return;
    this.#log.warn(
      { subject },
      `KEY_FORMAT=json, but the schema registry has schemas of this topic's keys, ${subject}: if keys are framed, ` +
        'messages are quarantined until KEY_FORMAT says what they are',
    );
  }
}
