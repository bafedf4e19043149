/**
 * Where everything is in the kernel's memory, and what the host writes there before the first message: the table spec
 * as records. The start is the same for all specs, and abi.ts has its addresses; after it come
 *
 *   keys        KEY[], grouped by node; then the bytes of the keys
 *   node keys   NODE_KEYS[], one per node
 *   words       WORD[]; then the bytes of the words
 *   slots       SLOTS[], one per path of a spec column; one more to ignore
 *   graph       GRAPH
 *   input       the values of one chunk; value offsets, validity, Kafka offsets, timestamps
 *   message keys, key offsets, key validity; nothing if the spec does not read the keys of messages
 *   rejects     REJECT[], of the messages of one chunk
 *   scratch     one decoded string
 *   extras      EXTRA[]: those of each row of the block, then those of the general path's row
 *   arena       decoded strings of JSON of the rows of a block; nothing if the spec has none
 *   forms       text as DuckDB has it (kernels/forms.ts)
 *   output      per Arrow column: validity, offsets, data
 *
 * each with spare bytes after it.
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
import {
  BLOCK_ROWS,
  COLUMN,
  COLUMNS,
  COMPACTIONS,
  CONTEXT_EXTRAS,
  EXTRA,
  GRAPH,
  HEADER,
  NO_SLOT,
  NODE,
  NODE_KEYS,
  NODES,
  OPERATION,
  REJECT,
  ROW_SPARE_BYTES,
  SLOTS,
  SPARE_BYTES,
  SPEC_COLUMN,
  SPEC_COLUMNS,
} from './abi.js';
import { COLUMN_LAYOUTS } from './column-layout.js';
import { keyTableBytes, pathTree, writeTree } from './path-tree.js';
import { wordTableBytes, writeWords } from './word-table.js';

/** The shortest member of an object, `"":0` and a comma: how many extras a row can have at most. */
const MIN_MEMBER_BYTES = 5;
export const PAGE_BYTES = 65_536;
export const MAX_MEMORY_BYTES = 2 ** 32 - PAGE_BYTES;

/** Microseconds of a unit of time; what is shorter than one is 0. */
const UNIT_MICROSECONDS: Record<TimeUnit, bigint> = { d: 86_400_000_000n, s: 1_000_000n, ms: 1000n, us: 1n, ns: 0n };

export interface KernelLimits {
  /** Messages and value bytes of one chunk. */
  readonly chunkRows: number;
  readonly chunkBytes: number;
  /** Bytes of the keys of one chunk; they count only if the spec reads them. */
  readonly keyBytes: number;
  /** Rows and bytes per text column of one record batch. */
  readonly batchRows: number;
  readonly columnBytes: number;
}

/** Addresses that the host reads and writes. */
export interface MemoryMap {
  readonly values: number;
  readonly valueOffsets: number;
  readonly valueValidity: number;
  readonly kafkaOffsets: number;
  readonly timestamps: number;
  /** Of the keys of messages; 0 if the spec does not read them. */
  readonly messageKeys: number;
  readonly keyOffsets: number;
  readonly keyValidity: number;
  readonly rejects: number;
  /** Of the strings of a data chunk. */
  readonly forms: number;
  readonly columns: readonly ColumnRegion[];
  readonly bytes: number;
}

export interface ColumnRegion extends TableColumn {
  /** Its record, a COLUMN. */
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
  /** Whether rows may take the speculative path; default true. The result is the same. */
  readonly learned?: boolean;
}

/** Places regions one after the other. */
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
): MemoryMap & Record<'keys' | 'nodeKeys' | 'words' | 'slots' | 'graph' | 'extras' | 'scratch' | 'arena', number> {
  const tree = pathTree(spec);
  const { fields, nodes, keyNode, embeddedDepth } = tree;
  const regions = new Regions(NODES + nodes.length * NODE.size);
  const { chunkRows, chunkBytes, keyBytes, batchRows, columnBytes } = limits;
  const takeIf = (isNeeded: boolean, bytes: number) => (isNeeded ? regions.take(bytes) : 0);
  const readsKeys = keyNode !== undefined;
  const textBytes = chunkBytes + (readsKeys ? keyBytes : 0);
  return {
    keys: regions.take(keyTableBytes(tree)),
    nodeKeys: regions.take(nodes.length * NODE_KEYS.size),
    words: regions.take(wordTableBytes(spec)),
    slots: regions.take((fields.length + 1) * SLOTS.size),
    graph: regions.take(GRAPH.size),
    values: regions.take(chunkBytes),
    valueOffsets: regions.take((chunkRows + 1) * 4),
    valueValidity: regions.take(chunkRows / 8),
    kafkaOffsets: regions.take(chunkRows * 8),
    timestamps: regions.take(chunkRows * 8),
    messageKeys: takeIf(readsKeys, keyBytes),
    keyOffsets: takeIf(readsKeys, (chunkRows + 1) * 4),
    keyValidity: takeIf(readsKeys, chunkRows / 8),
    rejects: regions.take(chunkRows * REJECT.size),
    scratch: regions.take(textBytes),
    extras: regions.take((BLOCK_ROWS * CONTEXT_EXTRAS + textBytes / MIN_MEMBER_BYTES + 2) * EXTRA.size),
    arena: takeIf(embeddedDepth > 0, textBytes * embeddedDepth + chunkRows * ROW_SPARE_BYTES),
    forms: regions.take(VECTOR_ROWS * STRING_BYTES),
    columns: tableColumns(spec).map((column, index) => {
      const isText = column.type === 'utf8';
      const fixed = regions.take(batchRows * COLUMN_LAYOUTS[column.type].rowBytes + 4);
      return {
        ...column,
        record: COLUMNS + index * COLUMN.size,
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
  const ofChunk = ['valueOffsets', 'valueValidity', 'kafkaOffsets', 'timestamps', 'keyOffsets', 'keyValidity'] as const;
  const others = ['rejects', 'scratch', 'slots', 'graph', 'extras', 'arena'] as const;
  for (const name of [...ofChunk, ...others]) word(HEADER[name], map[name]);
  word(HEADER.learning, (flags.learned ?? true) ? 1 : 0);
  word(HEADER.specColumnCount, spec.columns.length);
  word(HEADER.arrowColumnCount, map.columns.length);
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
  writePaths(memory, spec, map);
  writeWords(view, spec, map.words);
  for (const column of map.columns) {
    const operation = operationOf(spec, column);
    if (operation === OPERATION.extra) word(HEADER.extraColumn, column.record);
    word(column.record + COLUMN.operation, operation);
    word(column.record + COLUMN.slot, column.source ?? 0);
    word(column.record + COLUMN.data, column.data);
    word(column.record + COLUMN.offsets, column.offsets);
    word(column.record + COLUMN.validity, column.validity);
    word(column.record + COLUMN.isBits, COLUMN_LAYOUTS[column.type].rowBytes < 1 ? 1 : 0);
  }
  return map;
}

/** Writes what follows from the paths: the tree, and the records of the columns and of their further alternatives. */
function writePaths(memory: WebAssembly.Memory, spec: TableSpec, at: { keys: number; nodeKeys: number }): void {
  const tree = pathTree(spec);
  const { fields, keyNode, wholeKey, embeddedDepth } = tree;
  const keyRecords = writeTree(memory, tree, at.keys, at.nodeKeys);
  const view = new DataView(memory.buffer);
  const word = (at: number, value: number) => view.setUint32(at, value, true);
  word(HEADER.slotCount, fields.length);
  word(HEADER.arenaTimes, embeddedDepth);
  word(HEADER.tombstones, spec.deletes?.tombstone ? 1 : 0);
  if (embeddedDepth > 0) writeCompactions(view);
  if (keyNode !== undefined) word(HEADER.keyNode, NODES + keyNode * NODE.size);
  if (wholeKey !== undefined) {
    word(HEADER.wholeKey, keyRecords[wholeKey]);
    word(HEADER.wholeKeyIsText, spec.columns[fields[wholeKey].column].kind === 'text' ? 1 : 0);
  }
  writeSpecColumns(view, spec);
  for (const [slot, { column }] of fields.entries()) {
    const record = SPEC_COLUMNS + slot * SPEC_COLUMN.size;
    view.setUint8(record + SPEC_COLUMN.column, column);
    word(record + SPEC_COLUMN.key, keyRecords[slot]);
  }
}

/** Which of 8 bytes stay if some are left out, by the set of these: what swizzle takes as places. */
function writeCompactions(view: DataView): void {
  for (let leftOut = 0; leftOut < 256; leftOut++) {
    let to = COMPACTIONS + leftOut * 8;
    for (let byte = 0; byte < 8; byte++) if (((leftOut >> byte) & 1) === 0) view.setUint8(to++, byte);
  }
}

function writeSpecColumns(view: DataView, { columns }: TableSpec): void {
  for (const [index, { role, raw, unit, encoding, scale }] of columns.entries()) {
    const record = SPEC_COLUMNS + index * SPEC_COLUMN.size;
    view.setUint8(record + SPEC_COLUMN.issueBit, index);
    view.setUint8(record + SPEC_COLUMN.takesIntegers, role === 'change_id' || role === 'key' ? 1 : 0);
    view.setUint8(record + SPEC_COLUMN.hasRaw, raw === undefined ? 0 : 1);
    view.setUint8(record + SPEC_COLUMN.isBase64, encoding === 'base64' ? 1 : 0);
    view.setUint8(record + SPEC_COLUMN.scale, scale ?? 0);
    view.setBigInt64(record + SPEC_COLUMN.unitMicroseconds, UNIT_MICROSECONDS[unit ?? DEFAULT_UNIT], true);
  }
}

/** Says which bit of `issues` each spec column has, 0 to 63. */
export function writeIssueBits(view: DataView, bits: readonly number[]): void {
  for (const [index, bit] of bits.entries()) {
    view.setUint8(SPEC_COLUMNS + index * SPEC_COLUMN.size + SPEC_COLUMN.issueBit, bit);
  }
}

function operationOf(spec: TableSpec, { name, source }: TableColumn): number {
  if (source === undefined) return OPERATION[name as keyof typeof OPERATION];
  const column = spec.columns[source];
  if (column.raw === name) return OPERATION.raw;
  return column.operations === undefined ? OPERATION[column.kind] : OPERATION.mapped;
}

/** Decimal text with up to four decimals as an integer scaled by 10^4. */
function scaledBy10000(text: string): bigint {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(4, '0'));
}
