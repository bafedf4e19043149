/** What end-to-end tests share: `sluice run` on a topic and a data directory, and a look at what it made. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, vi } from 'vitest';
import { allRows, openSql } from '../../src/query/sql-client.js';
import { connectLake, openLake } from '../../src/sinks/ducklake/lake.js';
import { type CliOptions, CliProcess, type CliResult, runCli } from '../support/cli.js';
import { EXTENSION_DIRECTORY, whyNoExtensions } from '../support/duckdb-extensions.js';
import { uniqueTopic } from '../support/kafka/shared.js';
import { lakeOptions } from '../support/lakes.js';
import { createTopic, produce, type TestMessage } from '../support/produce.js';

/** The environment of a run: quiet, no metrics, everything named. */
export function runEnv(bootstrap: string, topic: string, dataDir: string, more: Record<string, string> = {}) {
  return {
    KAFKA_BROKERS: bootstrap,
    KAFKA_TOPIC: topic,
    KAFKA_GROUP_ID: `${topic}-group`,
    DATA_DIR: dataDir,
    METRICS_PORT: '0',
    LOG_FORMAT: 'json',
    // A member that was killed holds its partitions for this long.
    KAFKA_CONFIG_SESSION_TIMEOUT_MS: '2000',
    KAFKA_CONFIG_HEARTBEAT_INTERVAL_MS: '300',
    ...more,
  };
}

/** A topic of its own with these messages. @returns its name */
export async function filledTopic(
  bootstrap: string,
  name: string,
  partitions: number,
  messages: Iterable<TestMessage>,
): Promise<string> {
  const topic = uniqueTopic(name);
  await createTopic(bootstrap, topic, partitions);
  await produce(bootstrap, topic, messages);
  return topic;
}

export interface Summary {
  readonly events: number;
  readonly batches: number;
  readonly merged: number;
  readonly duplicate: number;
  readonly quarantined: number;
  readonly tombstone: number;
  readonly marker: number;
  readonly lostOffsets: number;
}

/** Runs up to the end of the topic; fails the test if that fails. */
export async function runUntilEnd(env: Record<string, string>, options: CliOptions = {}): Promise<Summary> {
  const result = await runCli(['run', '--until-end'], { timeoutMs: 120_000, ...options, env });
  expect(result.code, result.stderr).toBe(0);
  return JSON.parse(result.stdout.trim().split('\n').at(-1)!) as Summary;
}

/** Starts a run and waits until it reads. */
export async function startRun(env: Record<string, string>, args: readonly string[] = []): Promise<CliProcess> {
  const run = await CliProcess.start(['run', ...args], { env, timeoutMs: 180_000 });
  await run.line(/"msg":"reading /);
  return run;
}

/** Ends a run as an operator does: it must drain, commit and exit with 0. */
export async function stop(run: CliProcess): Promise<Summary> {
  run.kill('SIGTERM');
  const { code, stdout, stderr } = await run.ended;
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Summary;
}

/** Waits until the ledger of a running process counts at least so many messages; fails if it has more in the end. */
export async function consumedIs(dataDir: string, messages: number): Promise<void> {
  await vi.waitFor(async () => expect(await consumed(dataDir)).toBeGreaterThanOrEqual(messages), {
    timeout: 60_000,
    interval: 50,
  });
  expect(await consumed(dataDir)).toBe(messages);
}

/** Waits until a running process has committed something; fails if it has committed everything. */
export async function committedSome(dataDir: string, all: number): Promise<void> {
  await vi.waitFor(async () => expect(await consumed(dataDir)).toBeGreaterThan(0), { timeout: 60_000, interval: 5 });
  expect(await consumed(dataDir)).toBeLessThan(all);
}

/** Messages in the ledger, asked of the running process. */
export async function consumed(dataDir: string): Promise<number> {
  const client = await openSql(dataDir);
  try {
    expect(client.live, 'a process runs on the data directory').toBe(true);
    const [{ messages }] = await allRows(
      client,
      'SELECT coalesce(sum(rows_consumed), 0)::INTEGER AS messages FROM sluice.batches',
    );
    return Number(messages);
  } finally {
    client.close();
  }
}

/** @returns what `verify` prints */
export async function verifies(env: Record<string, string>): Promise<string> {
  const result = await runCli(['verify'], { env });
  expect(result.code, result.stdout + result.stderr).toBe(0);
  expect(result.stdout).not.toMatch(/FAIL|skip/);
  return result.stdout;
}

/** A run that must not work: the one line that says why, and no stack trace. */
export async function refusal(
  args: readonly string[],
  env: Record<string, string>,
): Promise<CliResult & { error: string }> {
  const result = await runCli(args, { env });
  const lines = result.stderr.trim().split('\n');
  const error = lines.filter((line) => /SLUICE_/.test(line));
  expect(error, result.stderr).toHaveLength(1);
  expect(result.stderr).not.toMatch(/^\s+at /m);
  return { ...result, error: error[0] };
}

/** The variables of a run into a lake with its catalog in the data directory. */
export const LAKE_ENV = { SINK: 'ducklake', DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY };

/** What `SINK` can be here. */
export const SINKS = whyNoExtensions() === undefined ? ['duckdb', 'ducklake'] : ['duckdb'];

function hasLake(dataDir: string): boolean {
  return existsSync(join(dataDir, 'catalog.ducklake'));
}

/** Rows of a query on the database file, or the lake, as arrays; no process may run on it. */
export async function queryFile(dataDir: string, sql: string): Promise<unknown[][]> {
  const isLake = hasLake(dataDir);
  const instance = isLake
    ? await openLake(lakeOptions(dataDir))
    : await DuckDBInstance.create(join(dataDir, 'analytics.db'), { access_mode: 'READ_ONLY' });
  const connection = await (isLake ? connectLake(instance) : instance.connect());
  try {
    return (await connection.runAndReadAll(sql)).getRows();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Every Parquet file of the topic by glob, as people read them. */
export function parquetGlob(dataDir: string): string {
  const files = hasLake(dataDir) ? 'lake/*/p*/*.parquet' : 'parquet/*/*/*.parquet';
  return `read_parquet('${dataDir}/${files}', union_by_name = true, hive_partitioning = false)`;
}

export function hiddenFiles(dataDir: string): string[] {
  return readdirSync(join(dataDir, hasLake(dataDir) ? 'lake' : 'parquet'), {
    recursive: true,
    encoding: 'utf8',
  }).filter((name) => /\.tmp$/.test(name));
}
