/** A large result through the program into a file: seconds and peak memory, from `analytics.db` and through a run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { tableFromIPC } from 'apache-arrow';
import type { RunSummary } from '../src/commands/run.js';
import { createTopic } from '../test/support/produce.js';
import { count, ended, machine, median, peakMiB, runJson, untilLine, writeResults } from './harness.js';

const ROWS = 320_000;
const KINDS = ["'value-' || range AS", 'range AS', 'range::DOUBLE AS', 'range::DECIMAL(18, 4) AS', 'range::INTEGER AS'];
const COLUMNS = Array.from({ length: 20 }, (_, index) => `${KINDS[index % KINDS.length]} c${index}`);
const SQL = `SELECT ${COLUMNS.join(', ')} FROM range(${ROWS})`;
const SAMPLE_MS = 20;

interface Export {
  readonly format: 'arrow' | 'parquet';
  readonly from: 'the file' | 'a run';
  readonly seconds: number;
  readonly peakMiB: number;
}

export async function benchExport(bootstrap: string, rounds: number, json: string | undefined): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-export-'));
  const topic = `bench-export-${Date.now()}`;
  await createTopic(bootstrap, topic, 1);
  const env = {
    ...{ KAFKA_BROKERS: bootstrap, KAFKA_TOPIC: topic, KAFKA_GROUP_ID: topic, DATA_DIR: dataDir },
    ...{ METRICS_PORT: '0', LOG_FORMAT: 'json' },
  };
  let run: ChildProcess | undefined;
  try {
    await runJson<RunSummary>([process.execPath, 'dist/cli.js', 'run', '--until-end'], { ...env, LOG_LEVEL: 'warn' });
    const figures = await rowsOf('the file', env, rounds);
    run = spawn(process.execPath, ['dist/cli.js', 'run'], { env: { ...process.env, ...env } });
    await untilLine(run, /consuming/);
    const idleMiB = peakMiB(run.pid);
    figures.push(...(await rowsOf('a run', env, rounds)));
    const runPeakMiB = peakMiB(run.pid);
    console.log(`${count(ROWS)} rows of ${COLUMNS.length} columns, medians of ${rounds}; ${machine()}`);
    console.log('| format | from | seconds | peak MiB |\n|---|---|---|---|');
    for (const { format, from, seconds, peakMiB } of figures)
      console.log(`| ${format} | ${from} | ${seconds.toFixed(2)} | ${peakMiB} |`);
    console.log(`The run's peak was ${idleMiB} MiB before the queries, ${runPeakMiB} MiB after them.`);
    writeResults(json, 'query-export', { figures, idleMiB, runPeakMiB });
  } finally {
    run?.kill('SIGTERM');
    if (run !== undefined) await ended(run);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function rowsOf(from: Export['from'], env: NodeJS.ProcessEnv, rounds: number): Promise<Export[]> {
  const figures: Export[] = [];
  for (const format of ['arrow', 'parquet'] as const) {
    const outcomes: { seconds: number; peakMiB: number }[] = [];
    for (let round = 0; round < rounds; round++) outcomes.push(await once(format, env));
    const of = (name: 'seconds' | 'peakMiB') => median(outcomes.map((outcome) => outcome[name]));
    figures.push({ format, from, seconds: of('seconds'), peakMiB: of('peakMiB') });
  }
  return figures;
}

/** @throws if the file has not all rows */
async function once(format: Export['format'], env: NodeJS.ProcessEnv): Promise<{ seconds: number; peakMiB: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-export-'));
  const path = join(folder, `result.${format}`);
  const startMs = performance.now();
  try {
    const query = spawn(process.execPath, ['dist/cli.js', 'query', '--output', path, SQL], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    let peak = 0;
    const sampler = setInterval(() => {
      peak = Math.max(peak, peakMiB(query.pid) || 0);
    }, SAMPLE_MS);
    await ended(query);
    const seconds = (performance.now() - startMs) / 1e3;
    clearInterval(sampler);
    const rows = format === 'arrow' ? tableFromIPC(readFileSync(path)).numRows : await parquetRows(path);
    if (rows !== ROWS) throw new Error(`${path} has ${rows} rows of ${ROWS}`);
    return { seconds, peakMiB: peak };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function parquetRows(path: string): Promise<number> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const [[rows]] = (await connection.runAndReadAll(`SELECT count(*)::INTEGER FROM '${path}'`)).getRows();
  connection.closeSync();
  instance.closeSync();
  return Number(rows);
}
