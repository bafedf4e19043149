/** How DuckDB stores the columns of a table spec. */
import { identifier } from '../../core/sql.js';
import { type ColumnType, roleColumn, type TableColumn, type TableSpec } from '../../schema/spec.js';
import type { Layout } from './format.js';

const DUCKDB_TYPES: Record<ColumnType, string> = {
  utf8: 'VARCHAR',
  decimal: 'DECIMAL',
  timestamp_us_utc: 'TIMESTAMP WITH TIME ZONE',
  date32: 'DATE',
  int64: 'BIGINT',
  uint64: 'UBIGINT',
  int32: 'INTEGER',
  double: 'DOUBLE',
  bool: 'BOOLEAN',
  uuid: 'UUID',
  binary: 'BLOB',
};

/** What DuckDB calls the type of a column. */
export function duckdbType({ type, size }: TableColumn): string {
  return size === undefined ? DUCKDB_TYPES[type] : `${DUCKDB_TYPES[type]}(${size.precision},${size.scale})`;
}

/**
 * Text columns that are often grouped and filtered by and have few values: DuckDB finds its dictionary form for them.
 * All other text is zstd-compressed without asking: left to itself, DuckDB tries every form that it knows on each row
 * group, which costs more than the rest of the INSERT, for no smaller file worth the while.
 */
const FEW_VALUES = new Set(['operation', 'currency', 'status']);
const FEW_VALUED_ROLES = ['operation', 'key_type'] as const;

function isFewValued(spec: TableSpec, name: string): boolean {
  return FEW_VALUES.has(name) || FEW_VALUED_ROLES.some((role) => name === roleColumn(spec, role)?.name);
}

/** SQL: a column of the change log as it is stored. */
export function storedColumn(
  spec: TableSpec,
  column: TableColumn,
  { hasCompression }: Pick<Layout, 'hasCompression'>,
): string {
  const { name, type } = column;
  const compression = hasCompression && type === 'utf8' && !isFewValued(spec, name) ? ' USING COMPRESSION zstd' : '';
  return `${identifier(name)} ${duckdbType(column)}${compression}`;
}
