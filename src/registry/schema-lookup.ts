/** The schemas of messages at hand, for commands that read some and end: nothing is waited for, and nothing kept. */
import type { SchemaRef, SchemaText } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import { RegistryClient } from './client.js';
import { FrameReader, nameOf } from './frame.js';
import { problemOf } from './part-schemas.js';
import type { MessageFormat, MessagePart, RegistrySettings } from './settings.js';

export class SchemaLookup {
  readonly #part: MessagePart;
  readonly #format: Exclude<MessageFormat, 'json'>;
  readonly #client: RegistryClient | undefined;
  readonly #log: Logger;
  readonly #frames = new FrameReader();
  readonly #found = new Map<SchemaRef, SchemaText>();

  /** @param registry without a `url`, JSON is read without schemas */
  constructor(
    part: MessagePart,
    format: Exclude<MessageFormat, 'json'>,
    { url, ...registry }: Omit<RegistrySettings, 'valueFormat' | 'keyFormat' | 'unknownWaitMs'>,
    log: Logger,
  ) {
    this.#part = part;
    this.#format = format;
    this.#client = url === undefined ? undefined : new RegistryClient({ ...registry, url });
    this.#client?.checkCertificates();
    this.#log = log;
  }

  /** All that were found, or cannot be had. */
  get schemas(): readonly SchemaText[] {
    return [...this.#found.values()];
  }

  /**
   * The schema that a key or a value names, which is asked for once. One that cannot be had is said in the log.
   * @returns undefined if it has no frame, or there is no registry
   * @throws SluiceError SLUICE_REGISTRY if the registry does not answer
   */
  async of(bytes: Uint8Array): Promise<SchemaText | undefined> {
    const ref = this.#frames.refOf(bytes, 0, bytes.length);
    if (ref === undefined || this.#client === undefined) return undefined;
    const known = this.#found.get(ref);
    if (known !== undefined) return known;
    const schema = await this.#ask(this.#client, ref);
    this.#found.set(ref, schema);
    return schema;
  }

  close(): void {
    this.#client?.close();
  }

  async #ask(client: RegistryClient, ref: SchemaRef): Promise<SchemaText> {
    const found = await client.schema(ref);
    const problem =
      found === undefined ? `it does not know the ${nameOf(ref)}` : problemOf(found, this.#part, this.#format);
    if (found !== undefined && problem === undefined) {
      const { id, text, references } = found;
      return { ref, id, text, references };
    }
    this.#log.error(
      { code: 'SLUICE_UNKNOWN_SCHEMA', schemaId: ref },
      `the schema registry has no schema for messages: ${problem}. Is it the one that their producer uses?`,
    );
    return { ref, id: found?.id, text: undefined, references: [] };
  }
}
