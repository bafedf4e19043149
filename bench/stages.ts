/**
 * Each stage by itself on prepared data: `npm run bench [-- --only kernel|handover|parquet|duckdb] [--table-rows N]`.
 *
 * Results are checked before they are timed. µs per row and GB/s of JSON are medians; the spread is the median
 * absolute deviation over the rounds.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { tableFromIPC, tableToIPC } from 'apache-arrow';
import { Bench } from 'tinybench';
import { readConfig } from '../src/config.js';
import type { BatchResult } from '../src/core/flow.js';
import { openKernel } from '../src/kernel/kernel-file.js';
import { DuckDbWriter } from '../src/parquet/duckdb-writer.js';
import { ParquetWasmWriter } from '../src/parquet/parquet-wasm-writer.js';
import type { ParquetWriter } from '../src/parquet/parquet-writer.js';
import { ORDERS_SPEC } from '../src/schema/spec-file.js';
import { DuckDbSink } from '../src/sinks/duckdb/sink.js';
import { temporaryPath } from '../src/storage/data-dir.js';
import { stageFile } from '../src/storage/staged-file.js';
import { BATCH_ROWS, BATCHES_PER_GROUP, Batches, eventsFrom, OPTIONS, sinkOptions } from './batches.js';
import { type Corpus, corpora, packed, parseIntoColumns } from './corpora.js';
import { count, machine, median } from './harness.js';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    events: { type: 'string', default: '100000' },
    /** Rows that the kernel reads in one call: the consumer's default. */
    'batch-rows': { type: 'string', default: String(readConfig({}).pipeline.batchRows) },
    /** Rows that the table has before commits are timed. */
    'table-rows': { type: 'string', default: '30000000' },
    rounds: { type: 'string', default: '7' },
  },
});

const EVENTS = Number(flags.events);
const KERNEL_ROWS = Number(flags['batch-rows']);
const ROUNDS = Number(flags.rounds);

interface Task {
  readonly name: string;
  readonly rows: number;
  /** Of JSON; 0 if the input is not JSON. */
  readonly bytes: number;
  readonly run: () => unknown;
}

/**
 * Runs tasks one by one: first two seconds in which code is compiled and garbage of the preparation is collected, then
 * at least so many rounds and two seconds.
 * @param rounds 1 for what can be done once
 * @returns median microseconds per row by name
 */
async function measure(tasks: readonly Task[], rounds = ROUNDS): Promise<Map<string, number>> {
  const repeats = rounds > 1;
  const time = repeats ? 2000 : 0;
  const bench = new Bench({ iterations: rounds, time, warmup: repeats, warmupIterations: 2, warmupTime: 2000 });
  for (const { name, run } of tasks) bench.add(name, async () => void (await run()));
  await bench.run();
  const medians = new Map<string, number>();
  for (const { name, rows, bytes } of tasks) {
    const { result } = bench.getTask(name)!;
    if (!('latency' in result)) throw new Error(`${name}: ${JSON.stringify(result)}`);
    const { p50, mad } = result.latency;
    const micros = (p50 * 1e3) / rows;
    medians.set(name, micros);
    const speed = bytes === 0 ? '' : `${(bytes / p50 / 1e6).toFixed(2)} GB/s`;
    console.log(
      `  ${name.padEnd(44)} ${micros.toFixed(3).padStart(8)} µs per row  ±${((100 * mad) / p50).toFixed(1)}%  ${speed}`,
    );
  }
  return medians;
}

async function kernelBench(): Promise<void> {
  const wasm = new URL('../build/kernel.wasm', import.meta.url);
  const start = performance.now();
  openKernel(ORDERS_SPEC, OPTIONS);
  const ms = (performance.now() - start).toFixed(1);
  const size = count(statSync(wasm).size);
  console.log(`\nKernel, one thread, batches of ${count(KERNEL_ROWS)} rows (${size} bytes of WASM, ready in ${ms} ms)`);
  for (const corpus of corpora(EVENTS)) {
    const medians = await measure(kernelTasks(corpus));
    const [kernel, plain] = [...medians.values()];
    console.log(`  ${''.padEnd(44)} ${(plain / kernel).toFixed(1).padStart(8)} × JSON.parse`);
  }
}

function kernelTasks(corpus: Corpus): Task[] {
  const kernel = openKernel(corpus.spec, { ...OPTIONS, batchRows: KERNEL_ROWS, batchBytes: 256 << 20 });
  const rows = corpus.values.length;
  const batches = Array.from({ length: Math.ceil(rows / KERNEL_ROWS) }, (_, n) =>
    packed(
      corpus.values.slice(n * KERNEL_ROWS, (n + 1) * KERNEL_ROWS),
      0,
      corpus.keys?.slice(n * KERNEL_ROWS, (n + 1) * KERNEL_ROWS),
    ).map((chunk) => chunk.handle()),
  );
  const read = () => batches.reduce((ok, chunks) => ok + kernel.read(0, chunks).counts.ok, 0);
  const ok = read();
  if (ok !== parseIntoColumns(corpus)) throw new Error(`${corpus.name}: the kernel read ${ok} rows`);
  const bytes = corpus.values.reduce((sum, value) => sum + value.length, 0);
  return [
    { name: `kernel, ${corpus.name}`, rows, bytes, run: read },
    { name: `JSON.parse into columns, ${corpus.name}`, rows, bytes, run: () => parseIntoColumns(corpus) },
  ];
}

/** What it costs to move rows between stages. */
async function handoverBench(folder: string): Promise<void> {
  console.log(`\nBetween stages, batches of ${count(BATCH_ROWS)} rows`);
  const values = eventsFrom(1, 0, BATCH_ROWS);
  const bytes = values.reduce((sum, value) => sum + value.length, 0);
  const batches = await Batches.open(folder);
  const table = tableFromIPC((await batches.next(values)).arrow!);
  if (table.numRows !== BATCH_ROWS) throw new Error(`the batch has ${table.numRows} rows`);
  await measure([
    { name: 'messages into chunks', rows: BATCH_ROWS, bytes, run: () => packed(values) },
    { name: 'Arrow to an IPC stream', rows: BATCH_ROWS, bytes: 0, run: () => tableToIPC(table, 'stream') },
  ]);
}

const METADATA = new Map([['sluice.topic', 'bench']]);

async function parquetBench(folder: string): Promise<void> {
  console.log(`\nParquet, batches of ${count(BATCH_ROWS)} rows, written and fsynced`);
  const { arrow, stats } = await (await Batches.open(folder)).next(eventsFrom(1, 0, BATCH_ROWS));
  if (arrow === undefined || stats.ok !== BATCH_ROWS) throw new Error('the batch has no rows');
  const { batches } = tableFromIPC(arrow);
  const path = join(folder, 'bench.parquet');
  const tasks: Task[] = [];
  for (const compression of ['zstd', 'snappy', 'lz4', 'none'] as const) {
    const options = { compression, spec: ORDERS_SPEC };
    const writers = { duckdb: await DuckDbWriter.open(options), 'parquet-wasm': new ParquetWasmWriter(options) };
    for (const [writerName, writer] of Object.entries<ParquetWriter>(writers)) {
      const run = () => stageFile(path, (tempPath) => writer.write(batches, tempPath, METADATA));
      const { bytes } = await run();
      const name = `${writerName}, ${compression}, ${(bytes / BATCH_ROWS).toFixed(0)} bytes per row`;
      tasks.push({ name, rows: BATCH_ROWS, bytes: 0, run });
    }
  }
  await measure([...tasks, ...(await dictionaryTasks(folder, temporaryPath(path)))]);
}

/** The same rows from a table in memory, to see what dictionaries and encodings cost and save. */
async function dictionaryTasks(folder: string, source: string): Promise<Task[]> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  await connection.run(`CREATE TABLE rows AS FROM read_parquet('${source}')`);
  const variants = {
    'dictionaries where they pay': 'PARQUET_VERSION v2',
    'no dictionaries': 'PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1',
    'plain encodings, dictionaries where they pay': 'PARQUET_VERSION v1',
  };
  const tasks: Task[] = [];
  for (const [variant, options] of Object.entries(variants)) {
    const path = join(folder, 'variant.parquet');
    const write = () =>
      connection.run(`COPY rows TO '${path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ${options})`);
    await write();
    const name = `zstd, ${variant}, ${(statSync(path).size / BATCH_ROWS).toFixed(0)} bytes`;
    tasks.push({ name, rows: BATCH_ROWS, bytes: 0, run: write });
  }
  return tasks;
}

/** Groups per figure, which is their median. */
const GROUP_ROUNDS = 3;
/** Shares of rows whose change id is in the table already. */
const DUPLICATES = [0, 0.05, 0.5];

async function duckdbBench(folder: string): Promise<void> {
  const groupRows = BATCH_ROWS * BATCHES_PER_GROUP;
  for (const tableRows of [0, Number(flags['table-rows'])]) {
    console.log(`\nDuckDB, groups of ${count(groupRows)} rows into a table of ${count(tableRows)}`);
    const dataDir = mkdtempSync(join(folder, 'duckdb-'));
    const sink = new DuckDbSink(sinkOptions(dataDir, 'parquet'));
    await sink.open();
    await sink.initPositions([{ partition: 0, nextOffset: 0, reason: 'earliest' }]);
    const batches = await Batches.open(dataDir);
    const known = eventsFrom(1, 0, groupRows);
    await commitGroup(sink, await batches.group(known));
    if (tableRows > 0) await grow(sink, tableRows, groupRows);
    for (const share of DUPLICATES) await groupTasks(sink, batches, known, share);
    await sink.close();
    rmSync(dataDir, { recursive: true });
  }
}

let laterEvents = 0;

/** Times the transaction of a group that has `share` of its rows from `known`. */
async function groupTasks(sink: DuckDbSink, batches: Batches, known: readonly Buffer[], share: number): Promise<void> {
  const groups: BatchResult[][] = [];
  const repeated = Math.round(known.length * share);
  for (let round = 0; round < GROUP_ROUNDS; round++) {
    const fresh = eventsFrom(++laterEvents + 1, known.length * laterEvents, known.length);
    groups.push(await batches.group([...known.slice(0, repeated), ...fresh.slice(repeated)]));
  }
  const micros: number[] = [];
  for (const group of groups) {
    const start = performance.now();
    for (const batch of group) await sink.stage(batch);
    const { duplicate } = (await sink.commit()).stats;
    micros.push(((performance.now() - start) * 1e3) / known.length);
    if (duplicate !== repeated) throw new Error(`${duplicate} duplicates, not ${repeated}`);
  }
  const [least, most] = [Math.min(...micros), Math.max(...micros)];
  console.log(
    `  ${`${(share * 100).toFixed(0)}% duplicates`.padEnd(44)} ${median(micros).toFixed(3).padStart(8)} µs per row  ` +
      `(${least.toFixed(2)} to ${most.toFixed(2)})`,
  );
}

async function commitGroup(sink: DuckDbSink, batches: readonly BatchResult[]): Promise<void> {
  for (const batch of batches) await sink.stage(batch);
  await sink.commit();
}

/** Longer than the time span of a group's events, in the upper half of a change_seq. */
const GROUP_SEQUENCES = 2000n << 32n;

/** Multiplies the rows of the table, as if the same had happened in earlier hours too. */
async function grow(sink: DuckDbSink, tableRows: number, groupRows: number): Promise<void> {
  const connection = await sink.connect();
  await connection.run('CREATE TABLE staging.first_rows AS FROM cdc_orders');
  for (let copy = 1; copy * groupRows < tableRows; copy++) {
    await connection.run(
      `INSERT INTO cdc_orders
       SELECT * REPLACE (
         change_id || '-${copy}' AS change_id, change_seq - ${BigInt(copy) * GROUP_SEQUENCES} AS change_seq)
       FROM staging.first_rows`,
    );
  }
  await connection.run('DROP TABLE staging.first_rows');
  connection.closeSync();
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-stages-'));
try {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  console.log(`sluice ${version}; ${machine()}`);
  const wants = (name: string) => flags.only === undefined || flags.only === name;
  if (wants('kernel')) await kernelBench();
  if (wants('handover')) await handoverBench(folder);
  if (wants('parquet')) await parquetBench(folder);
  if (wants('duckdb')) await duckdbBench(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
