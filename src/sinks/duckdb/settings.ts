/** The settings of the database and of joining small Parquet files. */
import * as z from 'zod';
import { MERGE_FROM } from '../../core/flow.js';
import { bytes, duration, integer, MIB, oneOf, type Settings, setting } from '../../core/settings.js';

const STATE_KINDS = ['view', 'table'] as const;
/** Where the view of the newest state reads: all of the change log, or a table that is kept up beside the commits. */
export type StateKind = (typeof STATE_KINDS)[number];

export const duckdbSettings = z.object({
  mergeFrom: setting(
    'MERGE_FROM',
    "where DuckDB takes rows from: the batches' `parquet` files, or `arrow` buffers through memory",
    oneOf(MERGE_FROM).prefault('parquet'),
  ),
  state: setting(
    'STATE',
    'what `orders` reads: `view`, the whole change log at each query; `table`, the newest changes and those since',
    oneOf(STATE_KINDS).prefault('view'),
  ),
  threads: setting('DUCKDB_THREADS', 'threads that a statement uses', integer(1, 256).prefault('1')),
  /** Bytes. */
  memoryLimit: setting(
    'DUCKDB_MEMORY_LIMIT',
    'beyond it DuckDB drops cached blocks, then spills; a COMMIT has half as much more',
    bytes(MIB, 2 ** 50).prefault('512MB'),
  ),
});

export const compactionSettings = z.object({
  /** More neighbours than this of one size class are joined; 0 turns it off. */
  afterFiles: setting(
    'COMPACT_AFTER_FILES',
    'more small neighbours than this are joined into one Parquet file; `0` turns it off',
    integer(0, 1_000_000).prefault('64'),
  ),
  /** Bytes of a joined file, at most. */
  targetBytes: setting(
    'COMPACT_TARGET_BYTES',
    'the largest file that joining makes',
    bytes(MIB, 4096 * MIB).prefault('128MiB'),
  ),
});

export type CompactionSettings = Settings<typeof compactionSettings>;

const age = () => duration(1000, 3650 * 86_400_000).optional();

/** How long what was committed stays, in milliseconds since its commit; undefined: for good. */
export const retentionSettings = z.object({
  changesMs: setting(
    'RETAIN_CHANGES',
    'changes whose commit is longer ago leave the change log if a newer one of their key is there; the newest stay',
    age(),
    'all stay',
  ),
  quarantineMs: setting(
    'RETAIN_QUARANTINE',
    'quarantined messages whose commit is longer ago leave `sluice.quarantine`',
    age(),
    'all stay',
  ),
  parquetMs: setting(
    'RETAIN_PARQUET',
    'Parquet files whose last commit is longer ago are removed (`SINK=duckdb`); there is no recovery from files then',
    age(),
    'all stay',
  ),
});

export type RetentionSettings = Settings<typeof retentionSettings>;
