/**
 * Arrow → Parquet by parquet-wasm, the Rust libraries arrow and parquet as WebAssembly: no native code in the worker.
 *
 *   kernel's memory ─IPC stream─▶ parquet-wasm's memory ─encode─▶ file as bytes ─▶ disk
 *
 * That memory never shrinks: it is as large as the largest batch needed, for each worker.
 */
import { writeFileSync } from 'node:fs';
import type { RecordBatch, Schema } from 'apache-arrow';
import { arrowSchema } from '../schema/arrow.js';
import type { TableSpec } from '../schema/spec.js';
import { parquetBytes } from './parquet-bytes.js';
import type { ParquetCompression, ParquetWriter } from './parquet-writer.js';

export interface ParquetWasmWriterOptions {
  readonly compression: ParquetCompression;
  readonly spec: TableSpec;
}

/** PARQUET_WRITER=parquet-wasm */
export class ParquetWasmWriter implements ParquetWriter {
  readonly #options: ParquetWasmWriterOptions;
  readonly #schema: Schema;

  constructor(options: ParquetWasmWriterOptions) {
    this.#options = options;
    this.#schema = arrowSchema(options.spec);
  }

  async write(recordBatches: readonly RecordBatch[], path: string, metadata: ReadonlyMap<string, string>) {
    writeFileSync(path, parquetBytes(this.#schema, recordBatches, { ...this.#options, metadata }));
  }

  /** Its memory goes with the thread. */
  async bytesOf(path: string): Promise<number> {
    throw new Error(`${path} is not a file`);
  }

  async close(): Promise<void> {}
}
