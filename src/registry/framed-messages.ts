/** Messages whose values, keys or both are behind the frames of a registry, as the kernel reads them. */
import { ChunkViews } from '../core/chunk.js';
import type { BatchTask, ChunkHandle } from '../core/flow.js';
import type { TableSpec } from '../schema/spec.js';
import { partColumn } from './frame.js';
import { type FramedColumn, FramedJson, framedAvro, framedJsonKeys, type Unread } from './framed-column.js';
import { beginJson } from './json-output.js';
import { framedFormats, type RegistrySettings } from './settings.js';

export type FormatSettings = Pick<RegistrySettings, 'valueFormat' | 'keyFormat'>;

export class FramedMessages {
  readonly #values: FramedColumn | undefined;
  readonly #keys: FramedColumn | undefined;

  private constructor(values: FramedColumn | undefined, keys: FramedColumn | undefined) {
    this.#values = values;
    this.#keys = keys;
  }

  /** @returns undefined if the kernel reads messages as they are */
  static of(formats: FormatSettings, spec: TableSpec): FramedMessages | undefined {
    const { value, key } = framedFormats(formats, spec);
    if (value === undefined && key === undefined) return undefined;
    const values = value && (value === 'avro' ? framedAvro() : new FramedJson());
    const keys = key && (key === 'avro' ? framedAvro(isKeyText(spec)) : framedJsonKeys());
    return new FramedMessages(values, keys);
  }

  /** Begins a batch. */
  begin({ schemas = [], keySchemas = [] }: Pick<BatchTask, 'schemas' | 'keySchemas'>): void {
    this.#values?.begin(schemas);
    this.#keys?.begin(keySchemas);
  }

  /** The messages of the batch's chunk of this number without frames; valid until the next call. */
  read(chunk: ChunkHandle, number: number): ChunkViews {
    const { rows } = chunk;
    const views = ChunkViews.of(chunk);
    beginJson();
    const keys = this.#keys?.read(partColumn(views, 'key'), rows, number);
    const values = this.#values?.read(partColumn(views, 'value'), rows, number);
    return {
      ...views,
      ...(keys && { keys: keys.bytes, keyOffsets: keys.offsets }),
      ...(values && { values: values.bytes, valueOffsets: values.offsets }),
    };
  }

  /** Why a row that the kernel rejects cannot be read: its byte is of the value. Undefined if the kernel says it. */
  reason(number: number, row: number): Unread | undefined {
    const ofValue = this.#values?.reason(number, row);
    if (ofValue !== undefined) return ofValue;
    const ofKey = this.#keys?.reason(number, row);
    return ofKey && { ...ofKey, position: -1 };
  }

  /** Whether a byte of what the kernel reads is the same byte of the value. */
  get keepsPositions(): boolean {
    return this.#values?.keepsPositions ?? true;
  }

  /** Those that the messages since `begin` name, in order. */
  get schemaIds(): number[] {
    const ids = new Set([...(this.#values?.schemaIds ?? []), ...(this.#keys?.schemaIds ?? [])]);
    return [...ids].sort((one, other) => one - other);
  }
}

/** Whether a column takes all of the key as text. */
function isKeyText({ columns }: TableSpec): boolean {
  return columns.some(({ kind, paths }) => {
    return kind === 'text' && paths.some(({ of, names }) => of === 'key' && names.length === 0);
  });
}
