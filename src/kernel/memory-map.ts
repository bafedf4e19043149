/**
 * Table spec → the kernel's tables and memory map. Mirrors kernels/layout.ts, where the map is drawn.
 */

import { STRING_BYTES, VECTOR_ROWS } from '../core/string-forms.js';
import {
  DEFAULT_UNIT,
  roleColumn,
  type SpecColumn,
  type TableColumn,
  type TableSpec,
  type TimeUnit,
  tableColumns,
} from '../schema/spec.js';
import { KEY_BYTES, NODE_BYTES, NODE_KEYS_BYTES, NODES, pathTree, writeTree } from './path-tree.js';

/** Addresses and record sizes, as in kernels/layout.ts. */
const COLUMNS = 2048;
const COLUMN_BYTES = 32;
const EXTRA_BYTES = 24;
const FIELDS = 10_240;
const FIELD_BYTES = 16;
/** Per spec column, and once more: a block of 64 slots, and their kinds. */
const SLOT_COLUMN_BYTES = 64 * 8 + 64;
/** Extras of the rows of a block on the learned path. */
const LEARNED_EXTRAS = 64 * 256;
/** Header, states, contexts, waiting rows and transitions of kernels/graph.ts. */
const GRAPH_BYTES = 512 + 512 * 16 + 256 * 16 + 512 * 8 + 512 / 8 + 512 * 8 * 256;
const REJECT_BYTES = 12;
const NO_SLOT = 0xffffffff;
/** The shortest member of an object, `"":0` and a comma: how many extras a row can have at most. */
const MIN_MEMBER_BYTES = 5;
/** Behind every region: the kernel reads and copies by 16 bytes. */
const SPARE_BYTES = 64;
export const PAGE_BYTES = 65_536;
export const MAX_MEMORY_BYTES = 2 ** 32 - PAGE_BYTES;

/** Header fields that the host writes, word addresses as in kernels/layout.ts. */
const HEADER = {
  valueOffsets: 68,
  valueValidity: 72,
  kafkaOffsets: 76,
  timestamps: 80,
  extras: 84,
  scratch: 88,
  rejects: 92,
  specColumns: 96,
  arrowColumns: 100,
  rowCapacity: 104,
  changeIdSlot: 112,
  amountSlot: 116,
  eventTimeSlot: 120,
  required: 128,
  highValueThreshold: 136,
  lateAfter: 144,
  slots: 152,
  graph: 156,
  learning: 160,
  extraColumn: 168,
} as const;

/** Header fields that the host writes for each batch, and for each chunk. */
export const PARTITION = 108;
export const VALUES = 64;
export const VALIDITY_SHIFT = 164;

/** Header fields that the kernel writes. */
export const RESULTS = {
  rows: 192,
  rejectCount: 196,
  rowsLate: 200,
  rowsWithIssues: 204,
  rowsHighValue: 208,
  maxEventTime: 216,
  minChangeSeq: 224,
  maxChangeSeq: 232,
  statusCounts: 240,
  rowsLearned: 264,
} as const;

/** Operations of kernels/columns.ts. */
const OPERATIONS = {
  text: 0,
  json: 1,
  amount: 2,
  raw: 3,
  timestamp: 4,
  int64: 5,
  bool: 6,
  extra: 7,
  is_high_value: 8,
  is_late: 9,
  issues: 10,
  kafka_partition: 11,
  kafka_offset: 12,
  kafka_timestamp: 13,
  change_seq: 14,
  date: 15,
} as const;

/** Microseconds of a unit of time; what is shorter than one is 0. */
const UNIT_MICROSECONDS: Record<TimeUnit, number> = { s: 1_000_000, ms: 1000, us: 1, ns: 0 };

/** Bytes per row of the fixed part of a column; a bit is an eighth. */
const ROW_BYTES: Record<TableColumn['type'], number> = {
  utf8: 4,
  decimal18_4: 16,
  timestamp_us_utc: 8,
  date32: 4,
  int64: 8,
  uint64: 8,
  int32: 4,
  bool: 1 / 8,
};

export interface KernelLimits {
  /** Messages and value bytes of one chunk. */
  readonly chunkRows: number;
  readonly chunkBytes: number;
  /** Rows and bytes per text column of one record batch. */
  readonly batchRows: number;
  readonly columnBytes: number;
}

/** Where the host finds and puts things. */
export interface MemoryMap {
  readonly values: number;
  readonly valueOffsets: number;
  readonly valueValidity: number;
  readonly kafkaOffsets: number;
  readonly timestamps: number;
  readonly rejects: number;
  /** Of the strings of a data chunk. */
  readonly forms: number;
  readonly columns: readonly ColumnRegion[];
  readonly bytes: number;
}

export interface ColumnRegion extends TableColumn {
  /** The record of the column: bytes used at +8, nulls at +24. */
  readonly record: number;
  readonly data: number;
  /** 0 if the column has none. */
  readonly offsets: number;
  readonly validity: number;
}

export interface FlagOptions {
  /** Decimal text: `is_high_value` is amount > this. */
  readonly highValueThreshold: string;
  readonly lateAfterMs: number;
  /** Whether rows may take the learned path; default true. What is read is the same. */
  readonly learned?: boolean;
}

/** Hands out regions one after the other. */
class Regions {
  #end: number;

  constructor(start: number) {
    this.#end = start;
  }

  take(bytes: number): number {
    const start = this.#end;
    // No bit operations: these numbers may be beyond 2^32 if a large message does not fit.
    this.#end = Math.ceil((start + bytes + SPARE_BYTES) / 16) * 16;
    return start;
  }

  get end(): number {
    return this.#end;
  }
}

/** The address of everything. Needs no memory: `bytes` says how much it takes. */
export function memoryMap(
  spec: TableSpec,
  limits: KernelLimits,
): MemoryMap & { keys: number; nodeKeys: number; slots: number; graph: number; extras: number; scratch: number } {
  const nodes = pathTree(spec.columns);
  const keyCount = nodes.reduce((sum, { keys }) => sum + keys.size, 0);
  const keyBytes = nodes.reduce(
    (sum, { keys }) => sum + [...keys.keys()].reduce((s, key) => s + Buffer.byteLength(key), 0),
    0,
  );
  const regions = new Regions(NODES + nodes.length * NODE_BYTES);
  const { chunkRows, chunkBytes, batchRows, columnBytes } = limits;
  return {
    keys: regions.take(keyCount * (KEY_BYTES + 16) + keyBytes),
    nodeKeys: regions.take(nodes.length * NODE_KEYS_BYTES),
    slots: regions.take((spec.columns.length + 1) * SLOT_COLUMN_BYTES),
    graph: regions.take(GRAPH_BYTES),
    values: regions.take(chunkBytes),
    valueOffsets: regions.take((chunkRows + 1) * 4),
    valueValidity: regions.take(chunkRows / 8),
    kafkaOffsets: regions.take(chunkRows * 8),
    timestamps: regions.take(chunkRows * 8),
    rejects: regions.take(chunkRows * REJECT_BYTES),
    scratch: regions.take(chunkBytes),
    extras: regions.take((LEARNED_EXTRAS + chunkBytes / MIN_MEMBER_BYTES + 1) * EXTRA_BYTES),
    forms: regions.take(VECTOR_ROWS * STRING_BYTES),
    columns: tableColumns(spec).map((column, index) => {
      const isText = column.type === 'utf8';
      const fixed = regions.take(batchRows * ROW_BYTES[column.type] + 4);
      return {
        ...column,
        record: COLUMNS + index * COLUMN_BYTES,
        offsets: isText ? fixed : 0,
        data: isText ? regions.take(columnBytes) : fixed,
        validity: column.nullable ? regions.take(batchRows / 8) : 0,
      };
    }),
    bytes: regions.end,
  };
}

/** Writes header, tree and column records. */
export function writeTables(
  memory: WebAssembly.Memory,
  spec: TableSpec,
  limits: KernelLimits,
  flags: FlagOptions,
): MemoryMap {
  const map = memoryMap(spec, limits);
  const view = new DataView(memory.buffer);
  const word = (at: number, value: number) => view.setUint32(at, value, true);
  const addresses = ['valueOffsets', 'valueValidity', 'kafkaOffsets', 'timestamps', 'rejects', 'scratch'] as const;
  for (const name of [...addresses, 'slots', 'graph', 'extras'] as const) word(HEADER[name], map[name]);
  word(HEADER.learning, (flags.learned ?? true) ? 1 : 0);
  word(HEADER.specColumns, spec.columns.length);
  word(HEADER.arrowColumns, map.columns.length);
  word(HEADER.rowCapacity, limits.batchRows);
  const slotOf = (column: SpecColumn | undefined) => (column === undefined ? NO_SLOT : spec.columns.indexOf(column));
  word(HEADER.changeIdSlot, slotOf(roleColumn(spec, 'change_id')));
  word(HEADER.amountSlot, slotOf(roleColumn(spec, 'amount')));
  word(HEADER.eventTimeSlot, slotOf(roleColumn(spec, 'event_time')));
  const required = spec.columns.reduce(
    (bits, column, index) => bits | (column.required ? 1n << BigInt(index) : 0n),
    0n,
  );
  view.setBigUint64(HEADER.required, required, true);
  view.setBigInt64(HEADER.highValueThreshold, scaledBy10000(flags.highValueThreshold), true);
  view.setBigInt64(HEADER.lateAfter, BigInt(flags.lateAfterMs) * 1000n, true);
  writeFields(view, spec, writeTree(memory, pathTree(spec.columns), map.keys, map.nodeKeys));
  for (const column of map.columns) {
    const operation = operationOf(spec, column);
    if (operation === OPERATIONS.extra) word(HEADER.extraColumn, column.record);
    word(column.record, operation);
    word(column.record + 4, column.source ?? 0);
    word(column.record + 12, column.data);
    word(column.record + 16, column.offsets);
    word(column.record + 20, column.validity);
    word(column.record + 28, column.type === 'bool' ? 1 : 0);
  }
  return map;
}

function writeFields(view: DataView, { columns }: TableSpec, keyRecords: readonly number[]): void {
  for (const [index, { role, raw, unit }] of columns.entries()) {
    const record = FIELDS + index * FIELD_BYTES;
    view.setUint8(record, index);
    view.setUint8(record + 1, role === 'change_id' || role === 'key' ? 1 : 0);
    view.setUint8(record + 2, raw === undefined ? 0 : 1);
    view.setUint32(record + 4, UNIT_MICROSECONDS[unit ?? DEFAULT_UNIT], true);
    view.setUint32(record + 8, keyRecords[index], true);
  }
}

/** Says which bit of `issues` each spec column has, 0 to 63. */
export function writeIssueBits(view: DataView, bits: readonly number[]): void {
  for (const [index, bit] of bits.entries()) view.setUint8(FIELDS + index * FIELD_BYTES, bit);
}

function operationOf(spec: TableSpec, { name, source }: TableColumn): number {
  if (source === undefined) return OPERATIONS[name as keyof typeof OPERATIONS];
  const column = spec.columns[source];
  return column.raw === name ? OPERATIONS.raw : OPERATIONS[column.kind];
}

/** Decimal text with up to four decimals as an integer scaled by 10^4. */
function scaledBy10000(text: string): bigint {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(4, '0'));
}
