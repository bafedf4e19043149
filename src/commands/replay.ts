/** `sluice replay`: quarantined messages that are rows with the table spec of today are merged, exactly once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { type Logger, logRemoved } from '../core/log.js';
import { allRows, openSql, type SqlClient } from '../query/sql-client.js';
import { MessageCipher, maskKeyId } from '../schema/mask-key.js';
import type { TableSpec } from '../schema/spec.js';
import { parseSpec } from '../schema/spec-file.js';
import { messagesOf, Replay, type ReplayOptions, replayPlaces } from '../sinks/duckdb/replay.js';
import { OF_KEPT_FILES } from '../sinks/duckdb/retention-tables.js';
import { RETENTION_FORMAT, topicFolder } from '../storage/data-dir.js';
import { readScope } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { type QuarantineFilter, quarantineCondition, reasonOption, sinceOption } from './quarantine-filter.js';
import { keptMessage, ReplayBatches } from './replay-batches.js';
import { drawTable } from './text-table.js';
import { variablesHelp } from './variables-help.js';

export interface ReplayCommandOptions extends QuarantineFilter {
  readonly dryRun: boolean;
  readonly log: Logger;
}

/** What became of the messages of a reason. */
interface Counts {
  rows: number;
  tombstones: number;
  stay: number;
}

export interface ReplaySummary {
  readonly byReason: ReadonlyMap<string, Readonly<Counts>>;
  /** Of the rows; undefined of a dry run. */
  readonly rows: Readonly<Record<'merged' | 'duplicate' | 'marker', number>> | undefined;
}

const NOT_OF_A_LAKE =
  "replay is for SINK=duckdb: a lake's files are registered in its catalog as they are. To have a corrected message " +
  'in a lake, produce it again, or consume the topic into a new lake with the new table spec';

export function addReplayCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('replay')
    .description('merge the quarantined messages that are rows with the table spec of today; while no "run" runs')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.storage,
        SECTIONS.sink,
        SECTIONS.schema,
        SECTIONS.worker.omit({ workers: true }),
        SECTIONS.pipeline.pick({ batchRows: true, batchBytes: true }),
        SECTIONS.parquet,
        SECTIONS.duckdb.omit({ mergeFrom: true, state: true }),
        SECTIONS.registry,
        SECTIONS.log,
      ),
    )
    .addOption(reasonOption())
    .addOption(sinceOption())
    .option('--spec <file>', 'table spec; default: TABLE_SPEC, else that of the last start')
    .option('--dry-run', 'only say what would become of them; also beside a run', false)
    .action(async ({ spec, ...options }: QuarantineFilter & { dryRun: boolean; spec?: string }) => {
      const { config, log } = environment({ TABLE_SPEC: spec });
      await stdout.write(summaryText(await replay(config, { ...options, log }), stdout.width));
    });
}

/**
 * Takes the messages through the kernel; those that are rows leave the quarantine, in a transaction for each file.
 * @throws SluiceError SLUICE_LOCKED if a process runs on the data directory, but for a dry run; SLUICE_CONFIG of a
 *   lake; SLUICE_SPEC_CHANGED, SLUICE_UNEXPLAINED_FILES, SLUICE_SINK, SLUICE_DATA_DIR as a start.
 */
export async function replay(config: Config, options: ReplayCommandOptions): Promise<ReplaySummary> {
  if (config.sink === 'ducklake') throw new SluiceError('SLUICE_CONFIG', NOT_OF_A_LAKE);
  const { dataDir } = config;
  const client = await openSql(dataDir);
  let target: Target;
  try {
    if (client.live && !options.dryRun) {
      throw new SluiceError(
        'SLUICE_LOCKED',
        `a process runs on DATA_DIR=${dataDir}: stop it, replay, and start it again; --dry-run works beside it`,
      );
    }
    const scope = await readScope(client, dataDir);
    const condition = await replayCondition(client, options);
    const spec = config.tableSpec === undefined ? storedSpec(scope.spec) : config.spec;
    target = { config, topic: scope.topic, spec, condition, log: options.log };
    if (options.dryRun) return await tryOut(target, (sql) => allRows(client, sql));
  } finally {
    client.close();
  }
  return await replayAll(target);
}

/** SQL: the messages that are meant, but for those whose rows would be in a file that left by its age. */
async function replayCondition(client: SqlClient, filter: QuarantineFilter): Promise<string> {
  const condition = quarantineCondition(filter);
  const [{ format_version }] = await allRows(client, 'SELECT format_version FROM sluice.meta');
  return Number(format_version) < RETENTION_FORMAT ? condition : `(${condition}) AND ${OF_KEPT_FILES}`;
}

function storedSpec(spec: object): TableSpec {
  return parseSpec(JSON.stringify(spec), 'of the data directory');
}

interface Target {
  readonly config: Config;
  readonly topic: string;
  readonly spec: TableSpec;
  readonly condition: string;
  readonly log: Logger;
}

type AllRows = (sql: string) => Promise<Record<string, unknown>[]>;

/** Reads all of them as a replay does, and keeps nothing. */
async function tryOut(target: Target, all: AllRows): Promise<ReplaySummary> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-replay-'));
  const byReason = new Map<string, Counts>();
  try {
    const issueBits = target.spec.columns.map((_, bit) => bit);
    for await (const _ of results(target, folder, all, issueBits, byReason));
    return { byReason, rows: undefined };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function replayAll(target: Target): Promise<ReplaySummary> {
  const { config, topic, spec, condition, log } = target;
  const { dataDir } = config;
  const byReason = new Map<string, Counts>();
  const rows = { merged: 0, duplicate: 0, marker: 0 };
  // Where a start removes what a process left that was killed.
  const folder = join(topicFolder(dataDir, topic), '.replay');
  const options: ReplayOptions = {
    ...{ dataDir, topic, spec, condition, compression: config.parquet.compression },
    ...{ threads: config.duckdb.threads, memoryLimit: config.duckdb.memoryLimit, retention: config.retention },
    maskKeyId: maskKeyId(config.maskKey),
  };
  const replay = await Replay.open(options);
  try {
    logRemoved(log, replay.removed);
    const all = (sql: string) => replay.rows(sql);
    for await (const { place, made } of results(target, folder, all, replay.issueBits, byReason)) {
      const outcome = await replay.commit(place, made);
      for (const name of ['merged', 'duplicate', 'marker'] as const) rows[name] += outcome[name];
    }
    return { byReason, rows };
  } finally {
    replay.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a worker makes of the messages of each place, if it is anything. @param byReason counts them */
async function* results(
  { config, topic, spec, condition, log }: Target,
  folder: string,
  all: AllRows,
  issueBits: readonly number[],
  byReason: Map<string, Counts>,
) {
  const batches = await ReplayBatches.open(config, topic, spec, folder, log);
  const cipher = config.maskKey && new MessageCipher(config.maskKey);
  try {
    for (const place of await replayPlaces(all, condition)) {
      const made = [];
      for (const batch of place.batches) {
        const messages = (await all(messagesOf(batch, condition))).map((row) => keptMessage(row, cipher));
        const result = await batches.read(batch, messages, issueBits);
        const bad = new Set(result.quarantined.map(({ offset }) => offset));
        for (const { offset, reason, value } of messages) {
          const counts = byReason.get(reason) ?? { rows: 0, tombstones: 0, stay: 0 };
          byReason.set(reason, counts);
          if (bad.has(offset)) counts.stay++;
          else if (value === null && result.stats.tombstone > 0) counts.tombstones++;
          else counts.rows++;
        }
        if (result.stats.ok + result.stats.tombstone > 0) made.push(result);
      }
      if (made.length > 0) yield { place, made };
      // Their files are in that of the place now.
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    batches.close();
  }
}

/** For eyes. @param width of the terminal */
export function summaryText({ byReason, rows }: ReplaySummary, width: number | undefined): string {
  if (byReason.size === 0) return 'nothing to replay: no such message is in the quarantine\n';
  const cells = [...byReason]
    .sort()
    .map(([reason, counts]) => [
      reason,
      counts.rows + counts.tombstones + counts.stay,
      counts.rows + counts.tombstones,
      counts.stay,
    ]);
  const heads = ['reason', 'messages', rows === undefined ? 'would be taken' : 'taken', 'still bad'];
  const table = drawTable(heads, cells, cells.length, width);
  const tombstones = [...byReason.values()].reduce((sum, counts) => sum + counts.tombstones, 0);
  const ofTombstones = tombstones === 0 ? '' : `, ${tombstones} tombstones`;
  if (rows === undefined) return `${table}a dry run: nothing was changed\n`;
  const { merged, duplicate, marker } = rows;
  return `${table}${merged} merged, ${duplicate} duplicates, ${marker} markers of snapshots${ofTombstones}\n`;
}
