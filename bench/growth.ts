/**
 * What a commit costs as the table grows: `npm run bench:growth -- --rows 50000000 [--sink ducklake] [--json FILE]`.
 *
 * The same events are committed again and again with later change ids, as in a change stream. Each group repeats one
 * event of the group before, so that the change log must be searched. For `analytics.db` there are no files: only the
 * table grows. A lake has the files that workers would write; writing them is not part of the figures.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type RecordBatch, tableFromIPC } from 'apache-arrow';
import type { BatchResult } from '../src/core/flow.js';
import { DuckDbWriter } from '../src/parquet/duckdb-writer.js';
import { ORDERS_SPEC } from '../src/schema/spec-file.js';
import { DuckDbSink } from '../src/sinks/duckdb/sink.js';
import { DuckLakeSink } from '../src/sinks/ducklake/sink.js';
import { changesFolder, lakeFilePath } from '../src/storage/lake-files.js';
import { writeFileInPlace } from '../src/storage/staged-file.js';
import { BATCH_ROWS, BATCHES_PER_GROUP, Batches, eventsFrom, lakeOptions, sinkOptions } from './batches.js';
import { count, machine, median, writeResults } from './harness.js';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '50000000' },
    sink: { type: 'string', default: 'duckdb' },
    'memory-limit': { type: 'string', default: '512000000' },
    json: { type: 'string' },
  },
});

const GROUP_ROWS = BATCH_ROWS * BATCHES_PER_GROUP;
/** Commits per figure, which is their median. */
const COMMITS_PER_FIGURE = 10;
/** A resume token: `82`, eight hex digits of seconds, eight of an increment, and more. */
const SEQUENCE_AT = 2;
const SEQUENCE_DIGITS = 16;

/** A batch whose rows can be given later change ids, in place. */
class Template {
  readonly #batch: BatchResult;
  readonly #sequences: BigUint64Array;
  readonly #ids: Uint8Array;
  readonly #idOffsets: Int32Array;
  readonly #offsets: BigInt64Array;
  /** Its rows, as they are after the last call. */
  readonly recordBatch: RecordBatch;

  constructor(batch: BatchResult) {
    this.#batch = { ...batch, file: undefined };
    const table = tableFromIPC(batch.arrow!);
    if (table.batches.length !== 1) throw new Error(`a batch of ${table.batches.length} record batches`);
    this.recordBatch = table.batches[0];
    const column = (name: string) => table.getChild(name)!.data[0];
    this.#sequences = column('change_seq').values;
    this.#ids = column('change_id').values;
    this.#idOffsets = column('change_id').valueOffsets;
    this.#offsets = column('kafka_offset').values;
  }

  /** @param seconds added to the time of its ids  @param rows added to its offsets */
  later(seconds: number, rows: number): BatchResult {
    const step = BigInt(seconds) << 32n;
    for (let row = 0; row < this.#sequences.length; row++) {
      this.#setSequence(row, this.#sequences[row] + step);
      this.#offsets[row] += BigInt(rows);
    }
    const { startOffset, nextOffset, stats } = this.#batch;
    const { minChangeSeq, maxChangeSeq } = stats;
    Object.assign(this.#batch, {
      startOffset: startOffset + rows,
      nextOffset: nextOffset + rows,
      stats: { ...stats, minChangeSeq: minChangeSeq! + step, maxChangeSeq: maxChangeSeq! + step },
    });
    return this.#batch;
  }

  /** Like `later`, but the first row repeats the second one of the last call. */
  laterWithRepeat(seconds: number, rows: number): BatchResult {
    const repeated = this.#sequences[1];
    const batch = this.later(seconds, rows);
    this.#setSequence(0, repeated);
    return { ...batch, stats: { ...batch.stats, minChangeSeq: repeated } };
  }

  #setSequence(row: number, sequence: bigint): void {
    this.#sequences[row] = sequence;
    const digits = sequence.toString(16).toUpperCase().padStart(SEQUENCE_DIGITS, '0');
    const at = this.#idOffsets[row] + SEQUENCE_AT;
    for (let digit = 0; digit < SEQUENCE_DIGITS; digit++) this.#ids[at + digit] = digits.charCodeAt(digit);
  }
}

/** Writes what workers would. */
class LakeFiles {
  readonly #folder: string;
  readonly #writer: DuckDbWriter;

  private constructor(folder: string, writer: DuckDbWriter) {
    this.#folder = folder;
    this.#writer = writer;
  }

  static async open(folder: string): Promise<LakeFiles> {
    return new LakeFiles(folder, await DuckDbWriter.open({ compression: 'zstd', spec: ORDERS_SPEC }));
  }

  async write(batch: BatchResult, rows: RecordBatch): Promise<BatchResult> {
    const { partition, startOffset, nextOffset } = batch;
    const path = lakeFilePath(this.#folder, partition, 0, startOffset, nextOffset);
    const metadata = new Map([['sluice.topic', 'bench']]);
    const file = await writeFileInPlace(path, (target) => this.#writer.write([rows], target, metadata));
    return { ...batch, arrow: undefined, file };
  }
}

async function measure(dataDir: string): Promise<{ tableRows: number; micros: number }[]> {
  const memoryLimit = Number(flags['memory-limit']);
  const options = flags.sink === 'ducklake' ? lakeOptions(dataDir, memoryLimit) : undefined;
  const sink = options ? new DuckLakeSink(options) : new DuckDbSink(sinkOptions(dataDir, 'arrow', memoryLimit));
  const files = options && (await LakeFiles.open(changesFolder(options.dataPath, options.topic)));
  await sink.open();
  await sink.claim([0]);
  await sink.initPositions([{ partition: 0, nextOffset: 0, reason: 'earliest' }]);
  const group = await (await Batches.open(dataDir)).group(eventsFrom(1, 0, GROUP_ROWS));
  const templates = group.map((batch) => new Template(batch));
  const figures: { tableRows: number; micros: number }[] = [];
  let seconds: number[] = [];
  for (let tableRows = 0; tableRows < Number(flags.rows); tableRows += GROUP_ROWS) {
    // At most an event per second, so that this is later than all earlier ones.
    const isFirst = tableRows === 0;
    const step = isFirst ? 0 : GROUP_ROWS;
    const batches: BatchResult[] = [];
    for (const [index, template] of templates.entries()) {
      const batch = index === 0 && !isFirst ? template.laterWithRepeat(step, step) : template.later(step, step);
      // A lake takes rows from files alone, and one file after the other has them.
      batches.push(files === undefined ? batch : await files.write({ ...batch }, template.recordBatch));
    }
    const start = performance.now();
    for (const batch of batches) await sink.stage(batch);
    const { merged } = (await sink.commit()).stats;
    seconds.push((performance.now() - start) / 1e3);
    const expected = isFirst ? GROUP_ROWS : GROUP_ROWS - 1;
    if (merged !== expected) throw new Error(`${merged} rows merged, not ${expected}`);
    if (seconds.length < COMMITS_PER_FIGURE) continue;
    const micros = (median(seconds) * 1e6) / GROUP_ROWS;
    figures.push({ tableRows: tableRows + GROUP_ROWS, micros });
    console.log(
      `${count(tableRows + GROUP_ROWS).padStart(12)} rows  ${micros.toFixed(2)} µs per row  ` +
        `${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB resident`,
    );
    seconds = [];
  }
  const start = performance.now();
  await sink.close();
  const bytes = statSync(options?.catalog ?? join(dataDir, 'analytics.db')).size;
  console.log(`closed in ${((performance.now() - start) / 1e3).toFixed(1)} s; ${(bytes / 1e9).toFixed(2)} GB`);
  return figures;
}

const dataDir = mkdtempSync(join(tmpdir(), 'sluice-growth-'));
try {
  console.log(`commits of ${count(GROUP_ROWS)} rows, time-ordered ids; ${machine()}`);
  const figures = await measure(dataDir);
  const micros = figures.map((figure) => figure.micros);
  const [first, last] = [median(micros.slice(0, 3)), median(micros.slice(-3))];
  console.log(`the last 30 commits cost ${(last / first).toFixed(2)} × the first 30`);
  writeResults(flags.json, 'growth', figures);
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit();
