/** Ledger, positions, table and quarantine against each other. Every check is one statement: it has one snapshot. */

import { SluiceError } from '../core/errors.js';
import { identifier, literal } from '../core/sql.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import { roleColumn, type StoredSpec } from '../schema/spec.js';
import { mergedIds } from '../sinks/duckdb/retention-tables.js';
import { LAKE } from '../sinks/ducklake/lake.js';
import { RETENTION_FORMAT } from '../storage/data-dir.js';
import { type CheckResult, type LakeScope, lines, MAX_PROBLEMS, problemsOf, type VerifyScope } from './check.js';
import { expectationCheck } from './expectations.js';
import { gapNotes } from './gaps.js';

/** A check, and what is worth knowing beside it; each statement gives a row per problem or note: its text. */
export interface LedgerCheck {
  readonly name: string;
  readonly problems: string;
  /** Only of directories of format 2. */
  readonly notes?: string;
  /** The check needs what directories have from this format on. */
  readonly needsFormat?: number;
}

/** Whether a run has got as far as making its tables; the loss of the write-ahead log can take them away again. */
export async function hasTables(client: SqlClient): Promise<boolean> {
  if (!(await hasTable(client, 'meta'))) return false;
  return (await allRows(client, 'SELECT 1 FROM sluice.meta')).length > 0;
}

/** @throws SluiceError SLUICE_CONFIG if nothing was consumed into the data directory yet */
export async function requireTables(client: SqlClient, dataDir: string): Promise<void> {
  if (await hasTables(client)) return;
  throw new SluiceError('SLUICE_CONFIG', `DATA_DIR=${dataDir} has no tables yet: "sluice run" makes them`);
}

/**
 * What is to be verified, as the data directory itself says.
 * @throws SluiceError SLUICE_CONFIG if a newer Sluice made it, or nothing was consumed into it yet
 */
export async function readScope(client: SqlClient, dataDir: string): Promise<VerifyScope> {
  await requireTables(client, dataDir);
  const [meta] = await allRows(client, 'SELECT format_version, topic, spec FROM sluice.meta');
  if (Number(meta.format_version) > RETENTION_FORMAT) {
    throw new SluiceError(
      'SLUICE_CONFIG',
      `DATA_DIR=${dataDir} has format ${meta.format_version}, this Sluice knows ${RETENTION_FORMAT}: use a newer one`,
    );
  }
  const spec = (typeof meta.spec === 'string' ? JSON.parse(meta.spec) : meta.spec) as StoredSpec;
  const lake = await readLakeScope(client);
  return {
    ...(lake && { lake }),
    dataDir,
    topic: String(meta.topic),
    spec,
    table: spec.table,
    changeId: roleColumn(spec, 'change_id')?.name,
  };
}

async function readLakeScope(client: SqlClient): Promise<LakeScope | undefined> {
  const isLake = `SELECT 1 FROM duckdb_databases() WHERE database_name = '${LAKE}' AND type = 'ducklake'`;
  if ((await allRows(client, isLake)).length === 0) return undefined;
  const [{ catalog_type, data_path }] = await allRows(client, `FROM ducklake_settings('${LAKE}')`);
  return { dataPath: String(data_path).replace(/\/$/, ''), isShared: catalog_type === 'postgres' };
}

/** Runs all checks that need neither files nor Kafka. */
export async function* ledgerChecks(client: SqlClient, scope: VerifyScope): AsyncGenerator<CheckResult> {
  const [{ format_version }] = await allRows(client, 'SELECT format_version FROM sluice.meta');
  const format = Number(format_version);
  const isOld = format < 2;
  // In format 1 all batches were of one kind.
  const batches = isOld ? `(SELECT *, 'consume' AS kind FROM sluice.batches)` : 'sluice.batches';
  const checks = [
    ...rangeChecks(format, await hasTable(client, 'resets')),
    ...tableChecks(scope, format),
    quarantineCheck(batches, format),
    ...retentionChecks(scope, format),
    ...((await hasTable(client, 'batches', 'failed_expectations'))
      ? [expectationCheck(format, await hasTable(client, 'replays'))]
      : []),
    // The first replay makes the table.
    ...((await hasTable(client, 'replays')) ? [replayCheck(scope, format)] : []),
  ];
  for (const check of checks) {
    const { name, problems, notes, needsFormat = 1 } = check;
    if (format < needsFormat) {
      const skipped = `the data directory has format ${format_version}, "sluice run" brings it up to date`;
      yield { name, problems: [], notes: [], skipped };
      continue;
    }
    yield {
      name,
      problems: await problemsOf(() => lines(client, problems)),
      notes: notes === undefined || isOld ? [] : await problemsOf(() => lines(client, notes)),
    };
  }
}

/** @param hasResets whether `sluice reset` ever moved a position */
function rangeChecks(format: number, hasResets: boolean): LedgerCheck[] {
  // Until format 3 markers were counted as merged.
  const marker = format < 3 ? '0' : 'rows_marker';
  return [
    {
      name: 'the ranges of each partition are contiguous',
      problems: `SELECT format('partition {}: a batch starts at {}, the one before it ends at {}',
          partition_id, start_offset, before)
        FROM (SELECT *, lag(next_offset) OVER (PARTITION BY partition_id ORDER BY start_offset, next_offset) AS before
          FROM sluice.batches) WHERE before <> start_offset OR next_offset <= start_offset`,
      notes: gapNotes(hasResets),
    },
    {
      name: 'each partition begins where its position says that it began',
      needsFormat: 2,
      problems: `SELECT format('partition {}: it began at {}, the ledger begins at {}', partition_id,
          coalesce(first_offset::VARCHAR, 'an unknown offset'), coalesce(b.first, next_offset))
        FROM sluice.positions
        LEFT JOIN (SELECT partition_id, min(start_offset) AS first FROM sluice.batches GROUP BY ALL) b
        USING (partition_id) WHERE first_offset IS DISTINCT FROM coalesce(b.first, next_offset)`,
      notes: `SELECT format('{}: {}', CASE start_reason
            WHEN 'earliest' THEN 'began at the earliest offset'
            WHEN 'latest' THEN 'began at the latest offset'
            WHEN 'group' THEN 'began at the committed offset of the consumer group'
            WHEN 'reset' THEN 'was set back by "sluice reset" to before it had begun'
            WHEN 'new_partition' THEN 'began as a new partition of the topic'
            ELSE 'began for a reason that was not recorded' END,
          string_agg(CASE WHEN nth = 11 THEN '…' ELSE format('partition {} at {}', partition_id, first_offset) END, ', '
            ORDER BY nth) FILTER (nth <= 11))
        FROM (SELECT *, row_number() OVER (PARTITION BY start_reason ORDER BY partition_id) AS nth
          FROM sluice.positions) GROUP BY start_reason ORDER BY start_reason`,
    },
    {
      name: 'consumed = merged + duplicate + quarantined + tombstone + marker in each batch',
      problems: `SELECT format('partition {}, offsets {} to {}: consumed {}',
          partition_id, start_offset, next_offset, rows_consumed)
        FROM sluice.batches
        WHERE rows_consumed <> rows_merged + rows_duplicate + rows_quarantined + rows_tombstone + ${marker}
          OR least(rows_merged, rows_duplicate, rows_quarantined, rows_tombstone, ${marker}) < 0`,
    },
    {
      name: 'each position is where the last batch of its partition ends',
      problems: `SELECT format('partition {}: the position is {}, the ledger ends at {}', partition_id,
          coalesce(p.next_offset::VARCHAR, 'gone'), b.last)
        FROM (SELECT partition_id, max(next_offset) AS last FROM sluice.batches GROUP BY ALL) b
        LEFT JOIN sluice.positions p USING (partition_id) WHERE p.next_offset IS DISTINCT FROM b.last`,
    },
  ];
}

function tableChecks(scope: VerifyScope, format: number): LedgerCheck[] {
  const merged = format < RETENTION_FORMAT ? 'rows_merged' : 'rows_merged - rows_retired';
  const lessRetired = format < RETENTION_FORMAT ? '' : ', less those that left';
  const table = identifier(scope.table);
  return [
    {
      name: `${scope.table} has the rows that the ledger counts as merged${lessRetired}`,
      problems: `SELECT format('partition {}: {} rows, the ledger says {}', kafka_partition,
          coalesce(rows, 0), coalesce(merged, 0))
        FROM (SELECT kafka_partition, count(*) AS rows FROM ${table} GROUP BY ALL)
        FULL JOIN (SELECT partition_id AS kafka_partition, sum(${merged}) AS merged FROM sluice.batches GROUP BY ALL)
        USING (kafka_partition) WHERE coalesce(rows, 0) <> coalesce(merged, 0)`,
    },
    {
      name: 'sluice.markers has the markers that the ledger counts, each once',
      needsFormat: 3,
      problems: `SELECT format('partition {}: {} markers, {} of them different ones, the ledger says {}', partition_id,
          coalesce(markers, 0), coalesce(different, 0), coalesce(counted, 0))
        FROM (SELECT partition_id, count(*) AS markers, count(DISTINCT change_id) AS different
          FROM sluice.markers GROUP BY ALL)
        FULL JOIN (SELECT partition_id, sum(rows_marker) AS counted FROM sluice.batches GROUP BY ALL)
        USING (partition_id) WHERE coalesce(markers, 0) <> coalesce(counted, 0) OR markers <> different`,
    },
    uniqueCheck(scope, format),
  ];
}

/** Without a change id a message is told from others by where it was. */
function uniqueCheck({ table: name, changeId: column }: VerifyScope, format: number): LedgerCheck {
  const table = identifier(name);
  if (column === undefined) {
    return {
      name: `each message is in ${name} once`,
      problems: `SELECT format('partition {}, offset {} is there {} times', kafka_partition, kafka_offset, count(*))
        FROM ${table} GROUP BY kafka_partition, kafka_offset HAVING count(*) > 1 LIMIT ${MAX_PROBLEMS}`,
    };
  }
  const changeId = identifier(column);
  const ids = format < RETENTION_FORMAT ? table : mergedIds({ table, changeId });
  return {
    name: `${column} is unique in ${name}`,
    problems: `SELECT format('{} is there {} times', ${changeId}, count(*)) FROM ${ids} GROUP BY ${changeId}
      HAVING count(*) > 1 LIMIT ${MAX_PROBLEMS}`,
  };
}

/** What left because of its age. Without change ids only the ledger knows of the changes. */
function retentionChecks({ changeId, lake }: VerifyScope, format: number): LedgerCheck[] {
  if (format < RETENTION_FORMAT) return [];
  const ids = {
    name: 'sluice.retired has the changes that the ledger counts as having left',
    problems: `SELECT format('partition {}: {} changes, the ledger says {}', partition_id, coalesce(changes, 0),
        coalesce(retired, 0))
      FROM (SELECT partition_id, count(*) AS changes FROM sluice.retired GROUP BY ALL)
      FULL JOIN (SELECT partition_id, sum(rows_retired) AS retired FROM sluice.batches GROUP BY ALL)
      USING (partition_id) WHERE coalesce(changes, 0) <> coalesce(retired, 0)`,
  };
  // The files of a lake are checked by its catalog; rows of a replay are in none of the ledger.
  const hasNoFile =
    lake === undefined
      ? 'file IS NULL AND file_retired IS NULL AND rows_consumed > rows_quarantined + rows_tombstone'
      : 'false';
  const batches = {
    name:
      lake === undefined
        ? 'no batch has lost more than it had, and its file only because of its age'
        : 'no batch has lost more than it had',
    problems: `SELECT format('partition {}, offsets {} to {}: {} of {} changes, {} of {} quarantined messages left{}',
        partition_id, start_offset, next_offset, rows_retired, rows_merged, quarantine_retired, rows_quarantined,
        CASE WHEN hasNoFile THEN '; it has no file' ELSE '' END)
      FROM (SELECT *, ${hasNoFile} AS hasNoFile FROM sluice.batches)
      WHERE rows_retired NOT BETWEEN 0 AND rows_merged OR quarantine_retired NOT BETWEEN 0 AND rows_quarantined
        OR (file IS NOT NULL AND file_retired IS NOT NULL) OR hasNoFile
      ORDER BY partition_id, start_offset`,
    notes: `SELECT format('partition {}: {} changes, {} quarantined messages and {} files left because of their age',
        partition_id, sum(rows_retired), sum(quarantine_retired), count(DISTINCT file_retired))
      FROM sluice.batches GROUP BY partition_id
      HAVING sum(rows_retired) + sum(quarantine_retired) + count(file_retired) > 0 ORDER BY partition_id`,
  };
  return changeId === undefined ? [batches] : [ids, batches];
}

/**
 * A recovery makes the ledger from files, which do not have the quarantined messages: up to where it ends in a
 * partition, messages can be missing, which is a note. The hash reads the bytes of all: they are nowhere else.
 */
function quarantineCheck(batches: string, format: number): LedgerCheck {
  const quarantined = format < RETENTION_FORMAT ? 'rows_quarantined' : 'rows_quarantined - quarantine_retired';
  const recovered = `(SELECT partition_id, max(next_offset) AS recovered_to FROM ${batches}
    WHERE kind = 'recovered' GROUP BY ALL)`;
  return {
    name: 'the quarantine has the messages that the ledger counts as quarantined',
    problems: `WITH recovered AS ${recovered}
      SELECT format('partition {}: {} messages, the ledger says {}', partition_id,
        coalesce(messages, 0), coalesce(quarantined, 0))
      FROM (SELECT partition_id, count(*) FILTER (hash(key, value) IS NOT NULL
          AND message_offset >= coalesce(recovered_to, 0)) AS messages
        FROM sluice.quarantine LEFT JOIN recovered USING (partition_id) GROUP BY ALL)
      FULL JOIN (SELECT partition_id, sum(${quarantined}) AS quarantined
        FROM sluice.batches LEFT JOIN recovered USING (partition_id)
        WHERE start_offset >= coalesce(recovered_to, 0) GROUP BY ALL)
      USING (partition_id) WHERE coalesce(messages, 0) <> coalesce(quarantined, 0)`,
    notes: `WITH recovered AS ${recovered},
      counts AS (SELECT partition_id, min(start_offset) AS "start", sum(${quarantined}) AS quarantined,
          string_agg(format('{} to {}', start_offset, next_offset), ', ' ORDER BY start_offset)
            FILTER (kind = 'recovered' AND file IS NULL) AS holes
        FROM sluice.batches JOIN recovered USING (partition_id) WHERE start_offset < recovered_to GROUP BY ALL),
      kept AS (SELECT partition_id, count(*) AS messages FROM sluice.quarantine JOIN recovered USING (partition_id)
        WHERE message_offset < recovered_to GROUP BY ALL)
      SELECT format('partition {}: the ledger of offsets {} to {} was made from Parquet files, without {} quarantined '
          'messages{}', partition_id, "start", recovered_to, quarantined - coalesce(messages, 0),
          coalesce('; no file has offsets ' || holes, ''))
      FROM counts JOIN recovered USING (partition_id) LEFT JOIN kept USING (partition_id) ORDER BY partition_id`,
  };
}

/** @param column that it must have; default any */
async function hasTable(client: SqlClient, name: string, column?: string): Promise<boolean> {
  const isColumn = column === undefined ? '' : `AND column_name = ${literal(column)}`;
  const columns = `SELECT 1 FROM duckdb_columns()
    WHERE schema_name = 'sluice' AND table_name = ${literal(name)} ${isColumn} LIMIT 1`;
  return (await allRows(client, columns)).length > 0;
}

/** The counts above would not tell one message from another. */
function replayCheck(scope: VerifyScope, format: number): LedgerCheck {
  // Which rows left by their age is noted of those with change ids only.
  const isRetired =
    format < RETENTION_FORMAT
      ? 'false'
      : `EXISTS (FROM sluice.batches WHERE rows_retired > 0 AND batches.partition_id = r.partition_id
          AND start_offset <= r.message_offset AND r.message_offset < next_offset)`;
  return {
    name: 'each replayed message is what the replay made of it, and not in the quarantine',
    problems: `SELECT format('partition {}, offset {}: it was replayed, and {}', r.partition_id, r.message_offset,
        CASE WHEN q.message_offset IS NOT NULL THEN 'is still in the quarantine'
          WHEN outcome = 'merged' THEN 'is no row' ELSE 'is no marker' END)
      FROM sluice.replays r LEFT JOIN sluice.quarantine q USING (partition_id, message_offset)
      LEFT JOIN ${identifier(scope.table)} t ON kafka_partition = r.partition_id AND kafka_offset = r.message_offset
      LEFT JOIN sluice.markers m ON m.partition_id = r.partition_id AND m.message_offset = r.message_offset
      WHERE q.message_offset IS NOT NULL OR (outcome = 'merged' AND kafka_offset IS NULL AND NOT ${isRetired})
        OR (outcome = 'marker' AND m.message_offset IS NULL)
      ORDER BY r.partition_id, r.message_offset`,
  };
}
