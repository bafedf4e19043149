/** How many files a lake has, and how old they are, as its catalog says: wherever they are, nothing is listed. */
import { FILE_AGES } from '../../storage/disk-usage.js';
import { METADATA } from './lake.js';

/** SQL: milliseconds since the epoch in a name that DuckLake gave (`timeOfName`); null in those of workers. */
const TIME_OF_NAME = `try_cast('0x' || nullif(
  regexp_replace(path, '^(?:.*/)?ducklake-([0-9a-f]{8})-([0-9a-f]{4})-.*$', '\\1\\2'), path) AS BIGINT)`;

/**
 * SQL of `age`, `files` and `bytes`: data files and delete files, those of older snapshots among them. A file is as old
 * as its name says, or else the snapshot that it came with; if that has expired, as snapshots are when they do.
 */
export function lakeFileUsage(keepSnapshotsMs: number): string {
  const ages = Object.entries(FILE_AGES).filter(([, limitMs]) => Number.isFinite(limitMs));
  const cases = ages.map(([age, limitMs]) => `WHEN "ms" < ${limitMs} THEN '${age}'`);
  const files = ['ducklake_data_file', 'ducklake_delete_file'].map(
    (table) => `SELECT path, file_size_bytes, begin_snapshot FROM ${METADATA}.${table}`,
  );
  return `SELECT CASE ${cases.join(' ')} ELSE 'older' END AS age, count(*) AS files, sum(file_size_bytes) AS bytes
    FROM (SELECT file_size_bytes, coalesce(
        epoch_ms(now()) - coalesce(${TIME_OF_NAME}, epoch_ms(snapshot_time)), ${keepSnapshotsMs}) AS "ms"
      FROM (${files.join(' UNION ALL ')})
      LEFT JOIN (SELECT snapshot_id AS begin_snapshot, snapshot_time FROM ${METADATA}.ducklake_snapshot)
      USING (begin_snapshot))
    GROUP BY ALL`;
}
