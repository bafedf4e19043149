/** `sluice compact`: joins all small Parquet files of a data directory that no process works on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import type { CompactionReceipt } from '../core/flow.js';
import { type Logger, logRemoved } from '../core/log.js';
import { Merge } from '../sinks/duckdb/merge.js';
import type { CommandContext } from './context.js';
import { variablesHelp } from './variables-help.js';

export function addCompactCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('compact')
    .description('join neighbouring small Parquet files; "run" does so by itself, see COMPACT_AFTER_FILES')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.storage,
        SECTIONS.kafka.pick({ topic: true }),
        SECTIONS.compaction,
        SECTIONS.parquet,
        SECTIONS.duckdb,
        SECTIONS.schema,
        SECTIONS.log,
      ),
    )
    .action(async () => {
      const { filesBefore, filesAfter, bytesBefore, bytesAfter } = await compact(environment());
      const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
      await stdout.write(
        filesBefore === 0
          ? 'nothing to join\n'
          : `${filesBefore} files (${megabytes(bytesBefore)}) joined into ${filesAfter} (${megabytes(bytesAfter)})\n`,
      );
    });
}

/**
 * Joins whatever neighbours fit files of COMPACT_TARGET_BYTES.
 * @throws SluiceError SLUICE_LOCKED when a process works on the data directory, SLUICE_CONFIG when there is none
 */
export async function compact({ config, log }: { config: Config; log: Logger }): Promise<CompactionReceipt> {
  const { dataDir, spec, compaction, duckdb } = config;
  const { compression } = config.parquet;
  if (!existsSync(join(dataDir, 'analytics.db'))) {
    throw new SluiceError('SLUICE_CONFIG', `DATA_DIR=${dataDir} has no analytics.db: nothing was consumed into it yet`);
  }
  const { topic } = config.kafka;
  const merge = new Merge({
    ...{ dataDir, topic, spec, ...duckdb },
    compaction: { ...compaction, compression },
  });
  const { removed } = await merge.open();
  logRemoved(log, removed);
  try {
    return await merge.compact(true);
  } finally {
    await merge.close();
  }
}
