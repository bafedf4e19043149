/** Orders and their quarantine, made by different programs, compared column by column. */
import { tableColumns } from '../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { queryFile } from '../e2e/support.js';

export interface Checksums {
  readonly rows: string;
  readonly quarantine: string;
}

/** Those of orders and their quarantine, which DuckDB reads beside the tables of a data directory. */
export async function checksums(dataDir: string, rows: string, quarantine: string): Promise<Checksums> {
  const columns = tableColumns(ORDERS_SPEC).map(({ name, type }) => ({
    name,
    value: type === 'timestamp_us_utc' ? `epoch_us(${name})` : name,
  }));
  return {
    rows: await checksum(dataDir, rows, 'kafka_partition, kafka_offset', columns),
    quarantine: await checksum(dataDir, quarantine, 'kafka_partition, kafka_offset', QUARANTINE_COLUMNS),
  };
}

const QUARANTINE_COLUMNS = ['reason', 'position', 'ms', 'key', 'value'].map((name) => ({ name, value: name }));
/** The quarantine of `sluice run`, as `quarantineOf` has it. */
export const QUARANTINE_OF_RUN = `(SELECT partition_id AS kafka_partition, message_offset AS kafka_offset, reason,
  byte_position AS position, epoch_ms(kafka_timestamp) AS ms, hex(key) AS key, hex(value) AS value
  FROM sluice.quarantine)`;

/** That of the Python package in Parquet files. */
export function quarantineOf(files: string): string {
  return `(SELECT partition AS kafka_partition, "offset" AS kafka_offset, status AS reason, "position",
    epoch_ms(timestamp) AS ms, hex(key) AS key, hex(value) AS value FROM read_parquet('${files}'))`;
}

/** Of each column a sum of hashes of value and place: it does not depend on the order of rows. */
async function checksum(
  dataDir: string,
  from: string,
  place: string,
  columns: readonly { name: string; value: string }[],
): Promise<string> {
  const sums = columns.map(
    ({ name, value }) => `sum(hash(${place}, coalesce((${value})::VARCHAR, 'null'))::HUGEINT)::VARCHAR AS ${name}`,
  );
  const [row] = await queryFile(dataDir, `SELECT count(*)::VARCHAR, ${sums.join(', ')} FROM ${from}`);
  return [`${row[0]} rows`, ...columns.map(({ name }, index) => `${name} ${row[index + 1]}`)].join('; ');
}
