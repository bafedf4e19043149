/**
 * What STATE=table costs a run at full speed, and what queries of the newest state gain:
 *
 *   npm run bench:state -- --changes 20000000 --orders 2000000 --rounds 3
 *
 * Runs with STATE=view and STATE=table take turns on one topic. Queries are timed on the last directory of each, in a
 * process that has the tables open, with one thread: as the run left it, then with all merged. Answers are compared.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import type { RunSummary } from '../src/commands/run.js';
import { DuckDbSink } from '../src/sinks/duckdb/sink.js';
import { sinkOptions } from './batches.js';
import { count, cpuMicros, load, machine, median, runJson, withBroker, writeResults } from './harness.js';

const { values: flags } = parseArgs({
  options: {
    changes: { type: 'string', default: '20000000' },
    orders: { type: 'string', default: '2000000' },
    partitions: { type: 'string', default: '12' },
    rounds: { type: 'string', default: '3' },
    kafka: { type: 'string' },
    topic: { type: 'string' },
    json: { type: 'string' },
  },
});

const KINDS = ['view', 'table'] as const;
type Kind = (typeof KINDS)[number];
const KEY = `ORD-${String(Math.floor(Number(flags.orders) / 2)).padStart(7, '0')}`;
const QUERIES = {
  aggregate: 'SELECT status, count(*) AS orders, sum(amount) AS amount FROM orders GROUP BY ALL ORDER BY ALL',
  'one order by key': `SELECT * FROM orders WHERE order_id = '${KEY}'`,
};

function run(bootstrap: string, topic: string, dataDir: string, state: Kind): Promise<RunSummary> {
  return runJson<RunSummary>([process.execPath, 'dist/cli.js', 'run', '--until-end'], {
    ...{ KAFKA_BROKERS: bootstrap, KAFKA_TOPIC: topic, KAFKA_GROUP_ID: `${topic}-${state}-${Date.now()}` },
    ...{ DATA_DIR: dataDir, METRICS_PORT: '0', LOG_LEVEL: 'warn', STATE: state },
  });
}

interface Measured {
  readonly answers: unknown[];
  /** Milliseconds of each query. */
  readonly times: Record<string, number>;
  /** Changes that are not merged. */
  readonly tail: number;
}

async function measure(dataDir: string, state: Kind): Promise<Measured> {
  const options = { access_mode: 'READ_ONLY', threads: '1', memory_limit: '512MB' };
  const instance = await DuckDBInstance.create(join(dataDir, 'analytics.db'), options);
  const connection = await instance.connect();
  const answers: unknown[] = [];
  const times: Record<string, number> = {};
  for (const [name, sql] of Object.entries(QUERIES)) {
    const taken: number[] = [];
    const begin = performance.now();
    while (taken.length === 0 || (taken.length < 20 && performance.now() - begin < 5000)) {
      const start = performance.now();
      const rows = (await connection.runAndReadAll(sql)).getRowsJson();
      taken.push(performance.now() - start);
      if (taken.length === 1) answers.push(rows);
    }
    times[name] = median(taken);
  }
  const merged = state === 'table' ? 'FROM sluice.merged' : 'FROM (SELECT NULL AS row_id)';
  const tail = `SELECT count(*)::DOUBLE FROM cdc_orders WHERE rowid > (SELECT coalesce(max(row_id), -1) ${merged})`;
  const [[rows]] = (await connection.runAndReadAll(tail)).getRows();
  connection.closeSync();
  instance.closeSync();
  return { answers, times, tail: Number(rows) };
}

/** @returns CPU seconds of merging what the run left, as a run does when nothing comes */
async function mergeRest(dataDir: string, topic: string): Promise<number> {
  const sink = new DuckDbSink({ ...sinkOptions(dataDir, 'parquet', 512 << 20), topic });
  const before = process.cpuUsage();
  await sink.open();
  const connection = await sink.connect();
  const rest = `SELECT count(*)::DOUBLE FROM cdc_orders
    WHERE rowid > (SELECT coalesce(max(row_id), -1) FROM sluice.merged)`;
  while ((await connection.runAndReadAll(rest)).getRows()[0][0] !== 0) await setTimeout(1000);
  const { user, system } = process.cpuUsage(before);
  connection.closeSync();
  await sink.close();
  return (user + system) / 1e6;
}

await withBroker(flags.kafka, async (bootstrap) => {
  const [changes, orders] = [Number(flags.changes), Number(flags.orders)];
  const topic = flags.topic ?? (await load(bootstrap, Number(flags.partitions), 'medium', { count: changes, orders }));
  const parent = mkdtempSync(join(tmpdir(), 'sluice-state-'));
  try {
    const cpu: Record<Kind, number[]> = { view: [], table: [] };
    for (let round = 0; round < Number(flags.rounds); round++) {
      for (const state of KINDS) {
        rmSync(join(parent, state), { recursive: true, force: true });
        cpu[state].push(cpuMicros(await run(bootstrap, topic, join(parent, state), state)));
      }
    }
    const view = await measure(join(parent, 'view'), 'view');
    const left = await measure(join(parent, 'table'), 'table');
    const cpuSeconds = await mergeRest(join(parent, 'table'), topic);
    const merged = await measure(join(parent, 'table'), 'table');
    for (const { answers } of [left, merged]) {
      if (!isDeepStrictEqual(answers, view.answers)) throw new Error('answers differ');
    }
    console.log(`${count(changes)} changes of ${count(orders)} orders, one thread; ${machine()}`);
    for (const state of KINDS) {
      const figures = cpu[state].map((micros) => micros.toFixed(2)).join(', ');
      console.log(`a run with STATE=${state}: ${median(cpu[state]).toFixed(2)} CPU µs per row (${figures})`);
    }
    const rest = left.tail === 0 ? '' : `, ${((cpuSeconds * 1e6) / left.tail).toFixed(2)} µs per row`;
    console.log(`merging what the run left, ${count(left.tail)} changes: ${cpuSeconds.toFixed(1)} CPU seconds${rest}`);
    console.log(
      '| query, milliseconds | STATE=view | table, as the run left it | table, all merged |\n|---|---|---|---|',
    );
    for (const name of Object.keys(QUERIES)) {
      const cells = [view, left, merged].map(({ times }) => times[name].toFixed(1));
      console.log(`| ${name} | ${cells.join(' | ')} |`);
    }
    writeResults(flags.json, 'state', { cpu, cpuSeconds, tail: left.tail, view, left, merged });
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
});
process.exit();
