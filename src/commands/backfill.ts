/** `sluice backfill`: a column that the table spec got gets its values of earlier rows, which are in `extra`. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { type Logger, logRemoved } from '../core/log.js';
import { openSql } from '../query/sql-client.js';
import { MAX_PATH_DEPTH } from '../schema/field-path.js';
import { maskKeyId } from '../schema/mask-key.js';
import type { SpecColumn, TableSpec } from '../schema/spec.js';
import { parseSpec } from '../schema/spec-file.js';
import { Backfill, type Backfilled, type BackfillPlace, extraSpec } from '../sinks/duckdb/backfill.js';
import { topicFolder } from '../storage/data-dir.js';
import { readScope } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { refuseRunning } from './open-sql.js';
import { ReplayBatches } from './replay-batches.js';
import { variablesHelp } from './variables-help.js';

export interface BackfillSummary extends Backfilled {
  /** Rows whose `extra` cannot be read as a message is, and that stay as they are. */
  readonly unread: number;
}

export function addBackfillCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('backfill <column>')
    .description(
      'give earlier rows the values of a column that the table spec got, out of "extra"; while no "run" runs',
    )
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.storage,
        SECTIONS.sink,
        SECTIONS.schema,
        SECTIONS.parquet,
        SECTIONS.pipeline.pick({ batchBytes: true }),
        SECTIONS.duckdb.omit({ mergeFrom: true, state: true }),
        SECTIONS.log,
      ),
    )
    .option('--spec <file>', 'table spec; default: TABLE_SPEC, else that of the last start')
    .action(async (name: string, { spec }: { spec?: string }) => {
      const { config, log } = environment({ TABLE_SPEC: spec });
      const { values, issues, unread } = await backfill(config, name, log);
      if (unread > 0) log.warn({ code: 'SLUICE_SINK' }, `${unread} rows stay as they are: their extra is too large`);
      const ofIssues = issues === 0 ? '' : `, ${issues} keep in extra what the column cannot take`;
      await stdout.write(`${values} rows have a value of ${name} now${ofIssues}\n`);
    });
}

/**
 * Takes what `extra` has of the column, in a transaction for each file.
 * @throws SluiceError SLUICE_LOCKED if a process runs on the data directory; SLUICE_CONFIG of a lake, or a column that
 *   cannot be backfilled; SLUICE_SPEC_CHANGED, SLUICE_UNEXPLAINED_FILES, SLUICE_SINK, SLUICE_DATA_DIR as a start.
 */
export async function backfill(config: Config, name: string, log: Logger): Promise<BackfillSummary> {
  const { dataDir, duckdb, parquet, pipeline, retention } = config;
  const { topic, spec } = await scopeOf(config);
  const column = columnOf(spec, name);
  // Where a start removes what a process left that was killed.
  const folder = join(topicFolder(dataDir, topic), '.replay');
  const { threads, memoryLimit } = duckdb;
  const target = await Backfill.open({
    ...{ dataDir, topic, spec, column, compression: parquet.compression, threads, memoryLimit, retention },
    pageBytes: pipeline.batchBytes,
    maskKeyId: maskKeyId(config.maskKey),
  });
  const sum = { values: 0, issues: 0, unread: 0 };
  try {
    logRemoved(log, target.removed);
    const json = { ...config, registry: { ...config.registry, valueFormat: 'json', keyFormat: 'json' } as const };
    const batches = await ReplayBatches.open(json, topic, extraSpec(spec, [column]), folder, log);
    for (const place of await target.places()) {
      const { paths, unread } = await read(target, place, batches);
      sum.unread += unread;
      if (paths.length > 0) {
        const { values, issues } = await target.commit(place, paths);
        sum.values += values;
        sum.issues += issues;
      }
      rmSync(folder, { recursive: true, force: true });
    }
    batches.close();
    return sum;
  } finally {
    target.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns files of what the kernel made of the pages of a place */
async function read(target: Backfill, place: BackfillPlace, batches: ReplayBatches) {
  const paths: string[] = [];
  let unread = 0;
  for await (const page of target.extras(place)) {
    const messages = page.map(({ offset, extra }) => ({
      ...{ offset, timestamp: -1, key: null, value: Buffer.from(extra), reason: '' },
    }));
    const range = { partition: place.partition, start: page[0].offset, next: page[page.length - 1].offset + 1 };
    const result = await batches.read(range, messages, [target.issueBit]);
    if (result.file !== undefined) paths.push(result.file.tempPath);
    unread += result.quarantined.length;
  }
  return { paths, unread };
}

async function scopeOf(config: Config): Promise<{ topic: string; spec: TableSpec }> {
  const { dataDir } = config;
  if (config.sink === 'ducklake') {
    throw new SluiceError(
      'SLUICE_CONFIG',
      "backfill is for SINK=duckdb: a lake's files are registered in its catalog as they are. Query extra beside the " +
        'column, or consume the topic into a new lake with the new table spec',
    );
  }
  const client = await openSql(dataDir);
  try {
    refuseRunning(client, dataDir, 'stop it, backfill, and start it again');
    const scope = await readScope(client, dataDir);
    const stored = JSON.stringify(scope.spec);
    const spec = config.tableSpec === undefined ? parseSpec(stored, 'of the data directory') : config.spec;
    return { topic: scope.topic, spec };
  } finally {
    client.close();
  }
}

/** The column of this name. @throws SluiceError SLUICE_CONFIG if there is none, or its values are not in `extra` */
function columnOf(spec: TableSpec, name: string): SpecColumn {
  const column = spec.columns.find((one) => one.name === name);
  if (column === undefined) {
    const promote = 'add it to the table spec, and say which with --spec or TABLE_SPEC';
    throw new SluiceError('SLUICE_CONFIG', `the table spec has no column ${name}: ${promote}`);
  }
  if (column.role !== undefined) {
    const why = 'others depend on it, such as the newest state and is_late';
    throw new SluiceError('SLUICE_CONFIG', `column ${name} has a role: ${why}. Read the topic again to have it`);
  }
  if (column.paths.some(({ of, names }) => of === 'key' && (names.length === 0 || names.length === MAX_PATH_DEPTH))) {
    throw new SluiceError(
      'SLUICE_CONFIG',
      `column ${name} is of all of the key, or too deep in it: read the topic again`,
    );
  }
  return column;
}
