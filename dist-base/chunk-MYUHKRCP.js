import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  COLUMN_LAYOUTS
} from "./chunk-TLNNE6W3.js";
import {
  keyTableBytes,
  pathTree,
  writeTree
} from "./chunk-MDWEB32Y.js";
import {
  BLOCK_ROWS,
  COLUMN,
  COLUMNS,
  CONTEXT_EXTRAS,
  EXTRA,
  GRAPH,
  HEADER,
  NODE,
  NODES,
  NODE_KEYS,
  NO_SLOT,
  OPERATION,
  REJECT,
  SLOTS,
  SPARE_BYTES,
  SPEC_COLUMN,
  SPEC_COLUMNS
} from "./chunk-WTTS74JV.js";
import {
  STRING_BYTES,
  VECTOR_ROWS
} from "./chunk-KYH7TSYC.js";
import {
  DEFAULT_UNIT,
  roleColumn,
  tableColumns
} from "./chunk-6JEHCNW6.js";

// src/kernel/memory-map.ts
var MIN_MEMBER_BYTES = 5;
var PAGE_BYTES = 65536;
var MAX_MEMORY_BYTES = 2 ** 32 - PAGE_BYTES;
var UNIT_MICROSECONDS = { s: 1e6, ms: 1e3, us: 1, ns: 0 };
var Regions = class {
  #end;
  constructor(start) {
    this.#end = start;
  }
  take(bytes) {
    const start = this.#end;
    this.#end = Math.ceil((start + bytes + SPARE_BYTES) / 16) * 16;
    return start;
  }
  get end() {
    return this.#end;
  }
};
function memoryMap(spec, limits) {
  const nodes = pathTree(spec.columns);
  const regions = new Regions(NODES + nodes.length * NODE.size);
  const { chunkRows, chunkBytes, batchRows, columnBytes } = limits;
  return {
    keys: regions.take(keyTableBytes(nodes)),
    nodeKeys: regions.take(nodes.length * NODE_KEYS.size),
    slots: regions.take((spec.columns.length + 1) * SLOTS.size),
    graph: regions.take(GRAPH.size),
    values: regions.take(chunkBytes),
    valueOffsets: regions.take((chunkRows + 1) * 4),
    valueValidity: regions.take(chunkRows / 8),
    kafkaOffsets: regions.take(chunkRows * 8),
    timestamps: regions.take(chunkRows * 8),
    rejects: regions.take(chunkRows * REJECT.size),
    scratch: regions.take(chunkBytes),
    extras: regions.take((BLOCK_ROWS * CONTEXT_EXTRAS + chunkBytes / MIN_MEMBER_BYTES + 1) * EXTRA.size),
    forms: regions.take(VECTOR_ROWS * STRING_BYTES),
    columns: tableColumns(spec).map((column, index) => {
      const isText = column.type === "utf8";
      const fixed = regions.take(batchRows * COLUMN_LAYOUTS[column.type].rowBytes + 4);
      return {
        ...column,
        record: COLUMNS + index * COLUMN.size,
        offsets: isText ? fixed : 0,
        data: isText ? regions.take(columnBytes) : fixed,
        validity: column.nullable ? regions.take(batchRows / 8) : 0
      };
    }),
    bytes: regions.end
  };
}
function writeTables(memory, spec, limits, flags) {
  const map = memoryMap(spec, limits);
  const view = new DataView(memory.buffer);
  const word = (at, value) => view.setUint32(at, value, true);
  const addresses = ["valueOffsets", "valueValidity", "kafkaOffsets", "timestamps", "rejects", "scratch"];
  for (const name of [...addresses, "slots", "graph", "extras"]) word(HEADER[name], map[name]);
  word(HEADER.learning, flags.learned ?? true ? 1 : 0);
  word(HEADER.specColumnCount, spec.columns.length);
  word(HEADER.arrowColumnCount, map.columns.length);
  word(HEADER.rowCapacity, limits.batchRows);
  const slotOf = (column) => column === void 0 ? NO_SLOT : spec.columns.indexOf(column);
  word(HEADER.changeIdSlot, slotOf(roleColumn(spec, "change_id")));
  word(HEADER.amountSlot, slotOf(roleColumn(spec, "amount")));
  word(HEADER.eventTimeSlot, slotOf(roleColumn(spec, "event_time")));
  const required = spec.columns.reduce(
    (bits, column, index) => bits | (column.required ? 1n << BigInt(index) : 0n),
    0n
  );
  view.setBigUint64(HEADER.required, required, true);
  view.setBigInt64(HEADER.highValueThreshold, scaledBy10000(flags.highValueThreshold), true);
  view.setBigInt64(HEADER.lateAfter, BigInt(flags.lateAfterMs) * 1000n, true);
  writeSpecColumns(view, spec, writeTree(memory, pathTree(spec.columns), map.keys, map.nodeKeys));
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
function writeSpecColumns(view, { columns }, keyRecords) {
  for (const [index, { role, raw, unit }] of columns.entries()) {
    const record = SPEC_COLUMNS + index * SPEC_COLUMN.size;
    view.setUint8(record + SPEC_COLUMN.issueBit, index);
    view.setUint8(record + SPEC_COLUMN.takesIntegers, role === "change_id" || role === "key" ? 1 : 0);
    view.setUint8(record + SPEC_COLUMN.hasRaw, raw === void 0 ? 0 : 1);
    view.setUint32(record + SPEC_COLUMN.unitMicroseconds, UNIT_MICROSECONDS[unit ?? DEFAULT_UNIT], true);
    view.setUint32(record + SPEC_COLUMN.key, keyRecords[index], true);
  }
}
function writeIssueBits(view, bits) {
  for (const [index, bit] of bits.entries()) {
    view.setUint8(SPEC_COLUMNS + index * SPEC_COLUMN.size + SPEC_COLUMN.issueBit, bit);
  }
}
function operationOf(spec, { name, source }) {
  if (source === void 0) return OPERATION[name];
  const column = spec.columns[source];
  return column.raw === name ? OPERATION.raw : OPERATION[column.kind];
}
function scaledBy10000(text) {
  const [whole, fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(4, "0"));
}

export {
  PAGE_BYTES,
  MAX_MEMORY_BYTES,
  memoryMap,
  writeTables,
  writeIssueBits
};
//# sourceMappingURL=chunk-MYUHKRCP.js.map
