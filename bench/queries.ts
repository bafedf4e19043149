/**
 * The queries of docs/queries.md on `analytics.db` and on a lake, as they are after a run and after `sluice compact`:
 *
 *   npm run bench:queries -- --events 2000000 --rounds 5
 *   npm run bench:queries -- --export     # a large result into a file instead: query-export.ts
 *
 * Both have the same events, and their answers are compared before any figure is printed. Times are medians, of a
 * process that has the tables open; the sinks take turns.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { RunSummary } from '../src/commands/run.js';
import { connectLake, openLake } from '../src/sinks/ducklake/lake.js';
import { lakeOptions } from './batches.js';
import { count, EXTENSION_DIRECTORY, load, machine, median, runJson, withBroker, writeResults } from './harness.js';
import { benchExport } from './query-export.js';

const { values: flags } = parseArgs({
  options: {
    events: { type: 'string', default: '2000000' },
    partitions: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    kafka: { type: 'string' },
    topic: { type: 'string' },
    json: { type: 'string' },
    export: { type: 'boolean', default: false },
  },
});

const SINKS = ['duckdb', 'ducklake'] as const;
type SinkName = (typeof SINKS)[number];
/** Answers that differ for good reasons: names of files, times of commits, any value. */
const OF_ITS_OWN = /file|committed_at|any_value/;

/** The statements of the first SQL block. */
function queries(): string[] {
  const [, block = ''] = /```sql\n([\s\S]*?)```/.exec(readFileSync('docs/queries.md', 'utf8')) ?? [];
  const statements = block.split(';').map((text) => text.replaceAll(/^\s*--.*$/gm, '').trim());
  return statements.filter((text) => text !== '');
}

async function fill(bootstrap: string, topic: string, sink: SinkName, dataDir: string): Promise<NodeJS.ProcessEnv> {
  const env = {
    ...{ KAFKA_BROKERS: bootstrap, KAFKA_TOPIC: topic, KAFKA_GROUP_ID: `${topic}-${sink}-${Date.now()}` },
    ...{ DATA_DIR: dataDir, METRICS_PORT: '0', LOG_LEVEL: 'warn', SINK: sink, COMPACT_AFTER_FILES: '0' },
    DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY,
  };
  const { events } = await runJson<RunSummary>([process.execPath, 'dist/cli.js', 'run', '--until-end'], env);
  if (events !== Number(flags.events)) throw new Error(`${events} events of ${flags.events}`);
  return env;
}

function compact(env: NodeJS.ProcessEnv): void {
  const { status, stderr } = spawnSync(process.execPath, ['dist/cli.js', 'compact'], {
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`sluice compact: ${stderr}`);
}

async function open(sink: SinkName, dataDir: string): Promise<[DuckDBInstance, DuckDBConnection]> {
  if (sink === 'ducklake') {
    const instance = await openLake(lakeOptions(dataDir), { at: undefined, timeZone: 'UTC' });
    return [instance, await connectLake(instance)];
  }
  const options = { access_mode: 'READ_ONLY', threads: '1' };
  const instance = await DuckDBInstance.create(join(dataDir, 'analytics.db'), options);
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  return [instance, connection];
}

/** @returns milliseconds of each query, by sink */
async function measure(folders: Record<SinkName, string>): Promise<Record<SinkName, number[]>> {
  const opened = await Promise.all(SINKS.map((sink) => open(sink, folders[sink])));
  const figures: Record<SinkName, number[]> = { duckdb: [], ducklake: [] };
  for (const sql of queries()) {
    const times = SINKS.map((): number[] => []);
    for (let round = 0; round < Number(flags.rounds); round++) {
      const answers: unknown[] = [];
      for (const [index, [, connection]] of opened.entries()) {
        const start = performance.now();
        const rows = (await connection.runAndReadAll(sql)).getRowsJson();
        times[index].push(performance.now() - start);
        answers.push(rows.map((row) => JSON.stringify(row)).sort());
      }
      if (!OF_ITS_OWN.test(sql) && !isDeepStrictEqual(answers[0], answers[1]))
        throw new Error(`answers differ: ${sql}`);
    }
    for (const [index, sink] of SINKS.entries()) figures[sink].push(median(times[index]));
  }
  for (const [instance, connection] of opened) {
    connection.closeSync();
    instance.closeSync();
  }
  return figures;
}

await withBroker(flags.kafka, async (bootstrap) => {
  if (flags.export) return benchExport(bootstrap, Number(flags.rounds), flags.json);
  const events = Number(flags.events);
  const topic = flags.topic ?? (await load(bootstrap, Number(flags.partitions), 'medium', { count: events }));
  const parent = mkdtempSync(join(tmpdir(), 'sluice-queries-'));
  try {
    const folders = { duckdb: join(parent, 'duckdb'), ducklake: join(parent, 'ducklake') };
    const envs = [];
    for (const sink of SINKS) envs.push(await fill(bootstrap, topic, sink, folders[sink]));
    const before = await measure(folders);
    for (const env of envs) compact(env);
    const after = await measure(folders);
    console.log(`${count(events)} events, one thread, milliseconds; ${machine()}`);
    console.log('| query | analytics.db | lake | after compact: analytics.db | lake |\n|---|---|---|---|---|');
    for (const [index, sql] of queries().entries()) {
      const cells = [before.duckdb, before.ducklake, after.duckdb, after.ducklake].map((all) => all[index].toFixed(0));
      console.log(`| \`${sql.replaceAll(/\s+/g, ' ').slice(0, 60)}…\` | ${cells.join(' | ')} |`);
    }
    writeResults(flags.json, 'queries', { queries: queries(), before, after });
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
});
process.exit();
