/** The answers of the page that take DuckDB or the kernel. */
import { randomBytes } from 'node:crypto';
import { DuckDBTypeId } from '@duckdb/node-api';
import { Chunk, setBit } from '../core/chunk.js';
import type { Outcome, ResultTable } from '../http/snapshot.js';
import type { Kernel } from '../kernel/kernel.js';
import { openKernel } from '../kernel/kernel-file.js';
import { refuseFiles } from '../query/effects.js';
import { type QueryRows, shownRows } from '../query/read-only.js';
import { RunningQueries } from '../query/running-queries.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import type { TableSpec } from '../schema/spec.js';
import { rowsOf } from './message-rows.js';
import type { ParseOptions } from './parse.js';

/** Of a result that is shown. */
const MAX_ROWS = 1000;
const MAX_CHARACTERS = 4 << 20;
/** Of rows that come at once. More would hold up the thread, which is the one that polls Kafka. */
const MAX_BLOCK_BYTES = 8 << 20;

export class PageAnswers {
  readonly #open: () => Promise<SqlClient>;
  readonly #spec: TableSpec;
  readonly #highValueThreshold: string;
  readonly #maskKey: Uint8Array | undefined;
  readonly #queries = new RunningQueries();
  #kernel: Kernel | undefined;

  /** @param open is called for each query: at rest, a `run` can start between two of them */
  constructor(
    open: () => Promise<SqlClient>,
    { spec, maskKey, highValueThreshold }: Pick<ParseOptions, 'spec' | 'maskKey' | 'highValueThreshold'>,
  ) {
    this.#open = open;
    this.#spec = spec;
    this.#highValueThreshold = highValueThreshold;
    // With the real one, whoever may look at the page could try texts until one has the mask that is in a table.
    this.#maskKey = maskKey && Uint8Array.from(randomBytes(maskKey.length));
  }

  /**
   * The first rows of a statement's result. It reads tables, and no files.
   * @param signal ends it
   * @throws SluiceError as `open`, and SLUICE_QUERY
   */
  async query(sql: string, signal: AbortSignal): Promise<ResultTable> {
    const ending = new AbortController();
    signal.addEventListener('abort', () => ending.abort());
    let table: ResultTable | undefined;
    await this.#queries.run(ending, async () => {
      signal.throwIfAborted();
      const client = await this.#open();
      try {
        await refuseFiles(sql, (text) => allRows(client, text));
        table = await firstRows(await client.query(sql, { signal, maxBlockBytes: MAX_BLOCK_BYTES }));
      } finally {
        client.close();
      }
    });
    return table!;
  }

  /** What the kernel makes of a message. Null: it has no value or no key. */
  tryMessage(value: Uint8Array | null, key: Uint8Array | null): Outcome {
    this.#kernel ??= openKernel(this.#spec, {
      highValueThreshold: this.#highValueThreshold,
      lateAfterMs: 0,
      maskKey: this.#maskKey,
      batchRows: 1,
      batchBytes: 1 << 20,
    });
    const { rejects, recordBatches } = this.#kernel.read(0, [chunkOf(value, key).handle()]);
    const [row] = recordBatches.flatMap((batch) => rowsOf(this.#spec, batch));
    if (row !== undefined) return { status: 'ok', row };
    const [reject] = rejects;
    if (reject === undefined) return { status: 'tombstone' };
    const { status, column, position } = reject;
    return { status, column, position: position === -1 ? undefined : position };
  }
}

async function firstRows(result: QueryRows): Promise<ResultTable> {
  const rows: unknown[][] = [];
  const types = result.types.map(({ typeId }) => DuckDBTypeId[typeId]);
  let characters = 0;
  for await (const block of shownRows(result, { wideNumbers: true })) {
    for (const row of block) {
      characters += JSON.stringify(row).length;
      if (rows.length === MAX_ROWS || characters > MAX_CHARACTERS) {
        return { columns: result.columns, types, rows, isCut: true };
      }
      rows.push(row);
    }
  }
  return { columns: result.columns, types, rows, isCut: false };
}

function chunkOf(value: Uint8Array | null, key: Uint8Array | null): Chunk {
  const chunk = new Chunk(1, value?.length ?? 0, key?.length ?? 0, 8);
  const { views } = chunk;
  chunk.rows = 1;
  chunk.valueBytes = value?.length ?? 0;
  chunk.keyBytes = key?.length ?? 0;
  views.values.set(value ?? []);
  views.keys.set(key ?? []);
  views.valueOffsets[1] = chunk.valueBytes;
  views.keyOffsets[1] = chunk.keyBytes;
  setBit(views.valueValidity, 0, value !== null);
  setBit(views.keyValidity, 0, key !== null);
  return chunk;
}
