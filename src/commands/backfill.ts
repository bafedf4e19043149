/** `sluice backfill`: a column that the table spec got gets its values of earlier rows, which are in `extra`. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { type Logger, logRemoved } from '../core/log.js';
import { MAX_PATH_DEPTH } from '../schema/field-path.js';
import { hasMasks } from '../schema/mask.js';
import { needsMaskKey } from '../schema/mask-key.js';
import type { SpecColumn, TableSpec } from '../schema/spec.js';
import { parseSpec } from '../schema/spec-file.js';
import { Backfill } from '../sinks/duckdb/backfill.js';
import { type Backfilled, extraSpec, type KeptExtra } from '../sinks/duckdb/backfill-rows.js';
import { LakeBackfill } from '../sinks/ducklake/backfill.js';
import { type FileRange, topicFolder } from '../storage/data-dir.js';
import { readScope } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { openConfigured, refuseRunning } from './open-sql.js';
import { ReplayBatches } from './replay-batches.js';
import { sinkOptions } from './sink-options.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

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
        ...LAKE_SECTIONS,
        SECTIONS.schema,
        SECTIONS.parquet,
        SECTIONS.pipeline.pick({ batchBytes: true }),
        SECTIONS.duckdb.omit({ mergeFrom: true, state: true }),
        SECTIONS.log,
      ),
    )
    .option('--spec <file>', 'table spec; default: TABLE_SPEC, else that of the last start')
    .action(async (name: string, { spec }: { spec?: string }) => {
      const { config, log } = environment({ TABLE_SPEC: ['--spec', spec] });
      const { values, issues, unread } = await backfill(config, name, log);
      if (unread > 0) log.warn({ code: 'SLUICE_SINK' }, `${unread} rows stay as they are: their extra is too large`);
      const ofIssues = issues === 0 ? '' : `, ${issues} keep in extra what the column cannot take`;
      await stdout.write(`${values} rows have a value of ${name} now${ofIssues}\n`);
    });
}

/**
 * Takes what `extra` has of the column, in a transaction for each file; of a lake, in one.
 * @throws SluiceError SLUICE_LOCKED if a process runs on the data directory, or uses the lake; SLUICE_CONFIG of a
 *   column that cannot be backfilled; SLUICE_SPEC_CHANGED, SLUICE_UNEXPLAINED_FILES, SLUICE_SINK, SLUICE_DATA_DIR,
 *   SLUICE_LAKE as a start.
 */
export async function backfill(config: Config, name: string, log: Logger): Promise<BackfillSummary> {
  const { dataDir, pipeline } = config;
  const { topic, spec } = await scopeOf(config);
  const column = columnOf(spec, name);
  if (hasMasks(spec) && config.maskKey === undefined) throw needsMaskKey('the table spec has masks');
  // Where a start removes what a process left that was killed; of a lake the next backfill.
  const folder = join(config.sink === 'duckdb' ? topicFolder(dataDir, topic) : dataDir, '.replay');
  const { kind, options } = sinkOptions({ ...config, kafka: { ...config.kafka, topic }, spec });
  const what = { column, pageBytes: pipeline.batchBytes, state: undefined };
  const target =
    kind === 'duckdb'
      ? await Backfill.open({ ...options, ...what, compression: options.compaction.compression })
      : await LakeBackfill.open({ ...options, ...what });
  try {
    logRemoved(log, target.removed);
    const json = { ...config, registry: { ...config.registry, valueFormat: 'json', keyFormat: 'json' } as const };
    const batches = await ReplayBatches.open(json, topic, extraSpec(spec, [column]), folder, log);
    const summary = await (target instanceof Backfill
      ? backfillFiles(target, batches, folder)
      : backfillLake(target, batches));
    batches.close();
    return summary;
  } finally {
    target.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param folder of the files that `batches` writes */
async function backfillFiles(target: Backfill, batches: ReplayBatches, folder: string): Promise<BackfillSummary> {
  const sum = { values: 0, issues: 0, unread: 0 };
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
  return sum;
}

async function backfillLake(target: LakeBackfill, batches: ReplayBatches): Promise<BackfillSummary> {
  const all: string[] = [];
  let sum = 0;
  for (const place of await target.places()) {
    const { paths, unread } = await read(target, place, batches);
    all.push(...paths);
    sum += unread;
  }
  const { values, issues } = all.length === 0 ? { values: 0, issues: 0 } : await target.commit(all);
  await target.cleanUp();
  return { values, issues, unread: sum };
}

/** What `extra` is read from. */
interface Extras<Place> {
  readonly issueBit: number;
  extras(place: Place): AsyncGenerator<readonly KeptExtra[]>;
}

/** @returns files of what the kernel made of the pages of a place */
async function read<Place extends FileRange>(target: Extras<Place>, place: Place, batches: ReplayBatches) {
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
  const client = await openConfigured(config);
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
