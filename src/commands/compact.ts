/** `sluice compact`: joins all small Parquet files of a data directory that no process works on, or of a lake. */
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { type CompactionReceipt, RETIRED_TEXT } from '../core/flow.js';
import { type Logger, logRemoved } from '../core/log.js';
import { inThousands, stopwatch } from '../core/progress-line.js';
import { DuckDbSink } from '../sinks/duckdb/sink.js';
import { DuckLakeSink, type DuckLakeSinkOptions } from '../sinks/ducklake/sink.js';
import { hasDatabase } from '../storage/data-dir.js';
import type { CommandContext } from './context.js';
import { requireLake } from './open-sql.js';
import { sinkOptions } from './sink-options.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

export function addCompactCommand(program: Command, context: CommandContext): void {
  const { environment, stdout, progress, onFailure } = context;
  program
    .command('compact')
    .description(
      'join neighbouring small Parquet files; "run" does so by itself, see COMPACT_AFTER_FILES; exit code 1 if some ' +
        'that were to be joined or rewritten stay as they are',
    )
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.storage,
        ...LAKE_SECTIONS,
        SECTIONS.kafka.pick({ topic: true }),
        SECTIONS.compaction.pick({ targetBytes: true }),
        SECTIONS.retention,
        SECTIONS.parquet.pick({ compression: true }),
        SECTIONS.duckdb.omit({ mergeFrom: true, state: true }),
        SECTIONS.schema,
        SECTIONS.log,
      ),
    )
    .option('--rewrite', 'rewrite files that lack columns of the table spec, so that all files have them')
    .action(async ({ rewrite = false }: { rewrite?: boolean }) => {
      const { config, log } = environment();
      let done = 0;
      const seconds = stopwatch();
      const end = progress.show({
        text: () => `compact: ${seconds()}${done === 0 ? '' : `  ${inThousands(done)} files`}`,
      });
      const onDone = (files: number) => {
        done += files;
      };
      const receipt = await compact(config, { rewrite, log, onDone }).finally(end);
      const { filesBefore, filesAfter, bytesBefore, bytesAfter, filesRewritten, left, retired } = receipt;
      const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
      await stdout.write(
        filesBefore === 0
          ? 'nothing to join\n'
          : `${filesBefore} files (${megabytes(bytesBefore)}) joined into ${filesAfter} (${megabytes(bytesAfter)})\n`,
      );
      if (rewrite) await stdout.write(`${filesRewritten} files rewritten with all columns of the table spec\n`);
      if (retired.changes + retired.quarantined + retired.files > 0) log.info(retired, RETIRED_TEXT);
      for (const why of left) log.warn({ code: 'SLUICE_SINK' }, why);
      if (left.length > 0) onFailure();
    });
}

/**
 * Joins whatever neighbours fit files of COMPACT_TARGET_BYTES.
 * @param options `rewrite`: then rewrites files that lack columns of the table spec; `onDone` is told how many files
 *   of a data directory are done with, each time that some are
 * @throws SluiceError SLUICE_LOCKED when a process works on the data directory, or on the file of the catalog;
 *   SLUICE_CONFIG when there is none
 */
export async function compact(
  config: Config,
  { rewrite, log, onDone }: { rewrite: boolean; log: Logger; onDone?: (files: number) => void },
): Promise<CompactionReceipt> {
  const { kind, options } = sinkOptions(config);
  if (kind === 'ducklake') return await compactLake(config, options, rewrite, log);
  const { dataDir } = config;
  if (!hasDatabase(dataDir)) {
    throw new SluiceError('SLUICE_CONFIG', `DATA_DIR=${dataDir} has no analytics.db: nothing was consumed into it yet`);
  }
  const sink = new DuckDbSink({ ...options, state: undefined });
  const { removed } = await sink.open();
  logRemoved(log, removed);
  try {
    return await sink.compact({ everything: true, rewrite, onDone });
  } finally {
    await sink.close();
  }
}

async function compactLake(config: Config, options: DuckLakeSinkOptions, rewrite: boolean, log: Logger) {
  if (rewrite) {
    throw new SluiceError('SLUICE_CONFIG', '--rewrite is for SINK=duckdb: the catalog of a lake knows missing columns');
  }
  await requireLake(config);
  const sink = new DuckLakeSink({ ...options, state: undefined });
  const { removed } = await sink.open();
  logRemoved(log, removed);
  try {
    return await sink.compact(true);
  } finally {
    await sink.close();
  }
}
