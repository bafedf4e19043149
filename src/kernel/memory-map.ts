/**
 * What the host writes to the kernel's memory before the first message: the table spec as records. All of it is before
 * the first region whose place depends on the limits (regions.ts).
 */

import {
  DEFAULT_UNIT,
  roleColumn,
  type SpecColumn,
  type TableColumn,
  type TableSpec,
  type TimeUnit,
} from '../schema/spec.js';
import { COLUMN, COMPACTIONS, HEADER, NO_SLOT, NODE, NODES, OPERATION, SPEC_COLUMN, SPEC_COLUMNS } from './abi.js';
import { writeChecks } from './check-table.js';
import { COLUMN_LAYOUTS } from './column-layout.js';
import { hasInnerMasks, writeMasks } from './mask-table.js';
import { pathTree, writeTree } from './path-tree.js';
import { IN_HEADER, type KernelLimits, type MemoryMap, memoryMap } from './regions.js';
import { writeWords } from './word-table.js';

/** Microseconds of a unit of time; what is shorter than one is 0. */
const UNIT_MICROSECONDS: Record<TimeUnit, bigint> = { d: 86_400_000_000n, s: 1_000_000n, ms: 1000n, us: 1n, ns: 0n };

export interface FlagOptions {
  /** Decimal text: `is_high_value` is amount > this. */
  readonly highValueThreshold: string;
  readonly lateAfterMs: number;
  /** Whether rows may take the speculative path; default true. The result is the same. */
  readonly learned?: boolean;
  /** For specs with the mask `hmac`: at most MASK_KEY_BYTES. */
  readonly maskKey?: Uint8Array | undefined;
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
  for (const name of IN_HEADER) word(HEADER[name], map[name]);
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
  writeChecks(view, spec, map.checks, map.columns);
  writeMasks(view, spec, map.masks, flags.maskKey);
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
  for (const [index, { role, raw, unit, encoding, scale, precision }] of columns.entries()) {
    const record = SPEC_COLUMNS + index * SPEC_COLUMN.size;
    view.setUint8(record + SPEC_COLUMN.issueBit, index);
    view.setUint8(record + SPEC_COLUMN.takesIntegers, role === 'change_id' || role === 'key' ? 1 : 0);
    view.setUint8(record + SPEC_COLUMN.hasRaw, raw === undefined ? 0 : 1);
    view.setUint8(record + SPEC_COLUMN.isBase64, encoding === 'base64' ? 1 : 0);
    view.setUint8(record + SPEC_COLUMN.scale, scale ?? 0);
    view.setUint8(record + SPEC_COLUMN.precision, precision ?? 0);
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
  if (column.raw === name) return column.mask === undefined ? OPERATION.raw : OPERATION.masked_raw;
  if (column.kind === 'text' && column.mask !== undefined) return OPERATION.masked_text;
  if (column.kind === 'json' && (column.mask !== undefined || hasInnerMasks(column, spec)))
    return OPERATION.masked_json;
  return column.operations === undefined ? OPERATION[column.kind] : OPERATION.mapped;
}

/** Decimal text with up to four decimals as an integer scaled by 10^4. */
function scaledBy10000(text: string): bigint {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(4, '0'));
}
