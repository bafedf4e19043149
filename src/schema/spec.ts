/**
 * The table spec: which JSON path becomes which column, of which kind, and in which role.
 *
 * Everything downstream is derived from it: the kernel's field table (fields.ts), the Arrow schema (arrow.ts) and the
 * DuckDB table (ddl.ts). Nothing about orders is compiled in anywhere else.
 */
import { type MappedOperation, OPERATION } from '../core/operations.js';
import type { FieldCopies } from './copies.js';
import type { Expectation } from './expectations.js';
import { type FieldPath, pathJson } from './field-path.js';
import type { Mask, PathMask } from './mask.js';

export const KINDS = [
  'text',
  'json',
  'amount',
  'decimal',
  'timestamp',
  'date',
  'int64',
  'double',
  'bool',
  'uuid',
  'binary',
] as const;
export type Kind = (typeof KINDS)[number];

/** `key_type` tells keys of the same text apart: MongoDB has the ids 10 and "10" in one collection. */
export const ROLES = ['change_id', 'key', 'key_type', 'operation', 'amount', 'event_time'] as const;
export type Role = (typeof ROLES)[number];

export const TIME_UNITS = ['d', 's', 'ms', 'us', 'ns'] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];
/** Of the kinds `timestamp` and `date`. */
export const DEFAULT_UNIT: TimeUnit = 'ms';

/** Of texts of the kinds `amount` and `decimal`: the bytes of an integer in two's complement, big-endian. */
export const ENCODINGS = ['base64'] as const;
export type Encoding = (typeof ENCODINGS)[number];
/** As many digits as 16 bytes have. */
export const MAX_SCALE = 38;
export const MAX_PRECISION = 38;

export interface SpecColumn {
  readonly name: string;
  /** Where its value is: the first of these fields that the message has, though it be null. */
  readonly paths: readonly FieldPath[];
  readonly kind: Kind;
  /** A message without it (missing or null) is quarantined as `missing_required`. */
  readonly required: boolean;
  readonly role: Role | undefined;
  /** For kind `amount`: the VARCHAR column that keeps the value as it came. */
  readonly raw: string | undefined;
  /** For the kinds `timestamp` and `date`: the unit of integers, counted from the epoch; undefined is DEFAULT_UNIT. */
  readonly unit: TimeUnit | undefined;
  /** For the kinds `amount` and `decimal`: what texts are; undefined: digits. */
  readonly encoding: Encoding | undefined;
  /** For an encoding, and for kind `decimal`: how many of the digits are decimals. */
  readonly scale: number | undefined;
  /** For kind `decimal`: how many digits there are at most. */
  readonly precision: number | undefined;
  /** For role `operation`: the topic's words for operations and ours; undefined: they are taken as they are. */
  readonly operations: Readonly<Record<string, MappedOperation>> | undefined;
  /** What is kept in place of its values. */
  readonly mask?: Mask | undefined;
}

/** Which change of a key takes it out of the view: any of these. */
export interface Deletes {
  /** Values of the column in the role `operation`. */
  readonly operations: readonly string[];
  /** A column of kind `bool`, which is true. */
  readonly flag: string | undefined;
  /** Whether a message without a value does: then it is a row of what its key has. */
  readonly tombstone: boolean;
  /** An object around columns: null there is as good as no value. */
  readonly nullAt?: FieldPath | undefined;
}

/** What deletes if the spec does not say. */
export const DEFAULT_DELETES: Deletes = {
  operations: [OPERATION.delete, OPERATION.vanished],
  flag: undefined,
  tombstone: false,
};

export interface TableSpec {
  /** DuckDB table of the change log. */
  readonly table: string;
  /** DuckDB view of the newest state per key. */
  readonly view: string;
  readonly columns: readonly SpecColumn[];
  /** Where a string holds JSON, which is read as if it were in place of the string. */
  readonly embedded: readonly FieldPath[];
  /** Fields that are checked, and not kept in `extra`; a column may be of a field inside. */
  readonly ignore: readonly FieldPath[];
  /** Undefined: DEFAULT_DELETES. */
  readonly deletes: Deletes | undefined;
  /** What the values of columns are expected to be (expectations.ts). */
  readonly expectations: readonly Expectation[];
  /** Of fields that are no columns. */
  readonly masks: readonly PathMask[];
  /** Where messages have fields a second time, which are masked there, too; undefined: as those of `sluice capture`. */
  readonly copies?: readonly FieldCopies[] | undefined;
  /** The spec that says what is masked inside of columns, of one that reads some of its columns out of `extra`. */
  readonly masksInside?: TableSpec | undefined;
}

/** Whether a column is of the messages' keys: else they are not read. */
export function readsKeys({ columns }: TableSpec): boolean {
  return columns.some(({ paths }) => paths.some(({ of }) => of === 'key'));
}

/** What every version of Sluice has written of a spec to a database; paths and words have had other forms. */
export interface StoredSpec extends Pick<TableSpec, 'table'> {
  readonly columns: readonly (Pick<SpecColumn, 'name' | 'kind' | 'mask'> & { readonly role?: Role | undefined })[];
  /** Of a spec that has some. */
  readonly masks?: readonly unknown[];
}

/** Columns that Sluice adds after those of the spec, in this order. */
export const DERIVED_COLUMNS = [
  'extra',
  'is_high_value',
  'is_late',
  'issues',
  'kafka_partition',
  'kafka_offset',
  'kafka_timestamp',
  'change_seq',
] as const;

/** What a column holds, independent of the system that stores it. */
export type ColumnType =
  | 'utf8'
  | 'decimal'
  | 'timestamp_us_utc'
  | 'date32'
  | 'int64'
  | 'uint64'
  | 'int32'
  | 'double'
  | 'bool'
  | 'uuid'
  | 'binary';

/** Whether values have any length, so that they are bytes and where each ends. */
export function hasOffsets(type: ColumnType): boolean {
  return type === 'utf8' || type === 'binary';
}

/** Of a column type `decimal`: digits, and how many of them are decimals. */
export interface DecimalSize {
  readonly precision: number;
  readonly scale: number;
}

export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Of a decimal only. */
  readonly size?: DecimalSize;
  /** Index into `spec.columns`, undefined for derived columns. */
  readonly source: number | undefined;
  /** A required value of another kind that cannot be read is null as well, with its issue bit. */
  readonly nullable: boolean;
}

const KIND_TYPES: Record<Kind, ColumnType> = {
  text: 'utf8',
  json: 'utf8',
  amount: 'decimal',
  decimal: 'decimal',
  timestamp: 'timestamp_us_utc',
  date: 'date32',
  int64: 'int64',
  double: 'double',
  bool: 'bool',
  uuid: 'uuid',
  binary: 'binary',
};

/** Text and JSON take whatever is there, so what is required is never null; but not every word is an operation. */
function isNeverNull({ kind, required, operations }: SpecColumn): boolean {
  return required && (kind === 'text' || kind === 'json') && operations === undefined;
}

export const AMOUNT_SIZE: DecimalSize = { precision: 18, scale: 4 };

function typeOf({ kind, precision, scale }: SpecColumn): Pick<TableColumn, 'type' | 'size'> {
  const type = KIND_TYPES[kind];
  if (type !== 'decimal') return { type };
  const isSized = precision !== undefined && scale !== undefined;
  return { type, size: isSized ? { precision, scale } : AMOUNT_SIZE };
}

/** Every column of the table in order: the spec's (an amount followed by its raw text), then the derived ones. */
export function tableColumns(spec: TableSpec): TableColumn[] {
  const columns: TableColumn[] = [];
  spec.columns.forEach((column, source) => {
    columns.push({ name: column.name, ...typeOf(column), source, nullable: !isNeverNull(column) });
    if (column.raw !== undefined) columns.push({ name: column.raw, type: 'utf8', source, nullable: true });
  });
  const derived = (name: (typeof DERIVED_COLUMNS)[number], type: ColumnType, nullable = false) =>
    columns.push({ name, type, source: undefined, nullable });
  derived('extra', 'utf8', true);
  derived('is_high_value', 'bool');
  derived('is_late', 'bool');
  derived('issues', 'int64');
  derived('kafka_partition', 'int32');
  derived('kafka_offset', 'int64');
  derived('kafka_timestamp', 'timestamp_us_utc', true);
  derived('change_seq', 'uint64');
  return columns;
}

/** The column of a role, undefined if the spec gives the role to none. */
export function roleColumn<Column extends { readonly role?: Role | undefined }>(
  spec: { readonly columns: readonly Column[] },
  role: Role,
): Column | undefined {
  return spec.columns.find((column) => column.role === role);
}

/** The spec as JSON, in the form that `parseSpec` reads. */
export function specJson(spec: TableSpec): string {
  const { table, view, columns, embedded, ignore, deletes, expectations, masks, copies } = spec;
  return JSON.stringify({
    table,
    view,
    columns: columns.map(columnJson),
    ...(embedded.length > 0 && { embedded: embedded.map(pathJson) }),
    ...(ignore.length > 0 && { ignore: ignore.map(pathJson) }),
    ...(deletes && { deletes: deletesJson(deletes) }),
    ...(expectations.length > 0 && { expectations }),
    ...(masks.length > 0 && { masks: masks.map(({ path, mask }) => ({ path: pathJson(path), mask })) }),
    ...(copies && { copies: copies.map(copiesJson) }),
  });
}

function copiesJson({ path, of, dotted }: FieldCopies): object {
  return { path: pathJson(path), ...(of && { of: pathJson(of) }), ...(dotted && { dotted }) };
}

function deletesJson({ nullAt, ...deletes }: Deletes): object {
  return nullAt === undefined ? deletes : { ...deletes, tombstone: pathJson(nullAt) };
}

function columnJson(column: SpecColumn): object {
  const { name, paths, kind, required, role, raw, unit, encoding, scale, precision, operations, mask } = column;
  return {
    name,
    ...(paths.length === 1 ? { path: pathJson(paths[0]) } : { paths: paths.map(pathJson) }),
    kind,
    ...(required && { required }),
    ...(role && { role }),
    ...(raw && { raw }),
    ...(unit && unit !== DEFAULT_UNIT && { unit }),
    ...(precision && { precision }),
    ...(encoding && { encoding }),
    ...(scale !== undefined && { scale }),
    ...(operations && { operations }),
    ...(mask && { mask }),
  };
}
