/** `sluice replay`: quarantined messages that are rows with the table spec of today are merged, exactly once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import type { Logger } from '../core/log.js';
import { inThousands, stopwatch } from '../core/progress-line.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import type { TableSpec } from '../schema/spec.js';
import { parseSpec } from '../schema/spec-file.js';
import { type AllRows, replayPieces, replayPlaces } from '../sinks/duckdb/replay-tables.js';
import { OF_KEPT_FILES } from '../sinks/duckdb/retention-tables.js';
import { RETENTION_FORMAT } from '../storage/data-dir.js';
import { readScope } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { openConfigured } from './open-sql.js';
import { type QuarantineFilter, quarantineCondition, reasonOption, sinceOption } from './quarantine-filter.js';
import { type Counts, PieceReader, type Work } from './replay-pieces.js';
import { openTarget } from './replay-target.js';
import { drawTable } from './text-table.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

export interface ReplayCommandOptions extends QuarantineFilter {
  readonly dryRun: boolean;
  readonly log: Logger;
  /** Told how many messages are done with, each time that some are. */
  readonly onDone?: (messages: number) => void;
}

export interface ReplaySummary {
  readonly byReason: ReadonlyMap<string, Readonly<Counts>>;
  /** Of the rows; undefined of a dry run. */
  readonly rows: Readonly<Record<'merged' | 'duplicate' | 'marker', number>> | undefined;
}

export function addReplayCommand(program: Command, { environment, stdout, progress }: CommandContext): void {
  program
    .command('replay')
    .description('merge the quarantined messages that are rows with the table spec of today; also beside a run')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.storage,
        ...LAKE_SECTIONS,
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
    .option('--dry-run', 'only say what would become of them', false)
    .action(async ({ spec, ...options }: QuarantineFilter & { dryRun: boolean; spec?: string }) => {
      const { config, log } = environment({ TABLE_SPEC: ['--spec', spec] });
      let done = 0;
      const seconds = stopwatch();
      const end = progress.show({ text: () => `replay: ${seconds()}  ${inThousands(done)} messages` });
      const onDone = (messages: number) => {
        done += messages;
      };
      const summary = await replay(config, { ...options, log, onDone }).finally(end);
      await stdout.write(summaryText(summary, stdout.width));
    });
}

/**
 * Takes the messages through the kernel; those that are rows leave the quarantine, in a transaction for each file.
 * @throws SluiceError SLUICE_LOCKED if a process holds the data directory, or the file of the catalog, and cannot be
 *   asked; SLUICE_SPEC_CHANGED if it has another table spec, or as a start; SLUICE_UNEXPLAINED_FILES, SLUICE_SINK,
 *   SLUICE_DATA_DIR, SLUICE_LAKE as a start; SLUICE_QUERY if the process ends meanwhile
 */
export async function replay(config: Config, options: ReplayCommandOptions): Promise<ReplaySummary> {
  const client = await openConfigured(config);
  let work: Work;
  try {
    const scope = await readScope(client, config.dataDir);
    const condition = await replayCondition(client, options);
    const spec = config.tableSpec === undefined ? storedSpec(scope.spec) : config.spec;
    work = { ...options, config, topic: scope.topic, spec, condition };
    if (options.dryRun) return await tryOut(work, (sql) => allRows(client, sql));
  } finally {
    client.close();
  }
  return await replayAll(work);
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

/** Reads all of them as a replay does, and keeps nothing. */
async function tryOut(work: Work, all: AllRows): Promise<ReplaySummary> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-replay-'));
  const issueBits = work.spec.columns.map((_, bit) => bit);
  const reader = await PieceReader.open(work, folder, all, issueBits);
  try {
    for (const place of await replayPlaces(all, work.condition)) {
      for (const piece of await replayPieces(all, place, work.condition, {})) await reader.read(piece);
    }
    return { byReason: reader.byReason, rows: undefined };
  } finally {
    reader.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function replayAll(work: Work): Promise<ReplaySummary> {
  const target = await openTarget(work.config, work.topic, work.spec, work.log);
  try {
    const { rows, folder, issueBits } = target;
    const reader = await PieceReader.open(work, folder, rows, issueBits);
    const sums = { merged: 0, duplicate: 0, marker: 0 };
    for (const place of await replayPlaces(rows, work.condition)) {
      for (const piece of await replayPieces(rows, place, work.condition, target.bound)) {
        const outcome = await reader.take(piece, target);
        for (const name of ['merged', 'duplicate', 'marker'] as const) sums[name] += outcome[name];
      }
    }
    reader.close();
    return { byReason: reader.byReason, rows: sums };
  } finally {
    await target.close();
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
