/**
 * Markers of snapshots: rows of the Parquet files, which are the record of what Kafka had, but no changes. They have a
 * table of their own, which the view of the newest state reads.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { OPERATION } from '../../core/operations.js';
import { identifier, literal } from '../../core/sql.js';
import { roleColumn, type StoredSpec } from '../../schema/spec.js';

/** SQL: whether a row is a marker. Without a role `operation` none is. */
export function isMarker(spec: StoredSpec): string {
  const operation = roleColumn(spec, 'operation');
  if (operation === undefined) return 'false';
  const values = [OPERATION.snapshotBegin, OPERATION.snapshotEnd].map(literal);
  return `coalesce(${identifier(operation.name)} IN (${values.join(', ')}), false)`;
}

/** SQL: what stands for a change id where there is none. */
const OFFSET_ID = `concat_ws('-', kafka_partition, kafka_offset)`;

/** SQL: the markers of a relation of rows, as the columns of `sluice.markers`. A spec without operations has none. */
export function markersOf(spec: StoredSpec, topic: string, relation: string): string {
  const [id = OFFSET_ID, key = 'NULL', operation = 'NULL'] = (['change_id', 'key', 'operation'] as const).map(
    (role) => {
      const column = roleColumn(spec, role);
      return column && identifier(column.name);
    },
  );
  return `SELECT topic: ${literal(topic)}, partition_id: kafka_partition, message_offset: kafka_offset,
      change_id: ${id}, snapshot: ${key}, operation: ${operation}, kafka_timestamp
    FROM ${relation} WHERE ${isMarker(spec)}`;
}

/** Moves the markers that are rows of the change log, and are counted as such, in the connection's transaction. */
export async function moveMarkers(connection: DuckDBConnection, spec: StoredSpec, topic: string): Promise<void> {
  const table = identifier(spec.table);
  await connection.run(
    `UPDATE sluice.batches SET rows_merged = rows_merged - markers, rows_marker = rows_marker + markers
     FROM (SELECT partition_id AS "the partition", start_offset AS "the start", count(*) AS markers
       FROM sluice.batches JOIN (SELECT kafka_partition, kafka_offset FROM ${table} WHERE ${isMarker(spec)})
       ON kafka_partition = partition_id AND kafka_offset >= start_offset AND kafka_offset < next_offset GROUP BY ALL)
     WHERE partition_id = "the partition" AND start_offset = "the start"`,
  );
  await connection.run(`INSERT INTO sluice.markers BY NAME ${markersOf(spec, topic, table)}`);
  await connection.run(`DELETE FROM ${table} WHERE ${isMarker(spec)}`);
}
