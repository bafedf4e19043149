import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  arrowSchema
} from "./chunk-H56QG67T.js";
import {
  MAX_MEMORY_BYTES,
  PAGE_BYTES,
  memoryMap,
  writeIssueBits,
  writeTables
} from "./chunk-MYUHKRCP.js";
import {
  COLUMN_LAYOUTS
} from "./chunk-TLNNE6W3.js";
import {
  KernelTrap
} from "./chunk-BRZXHCDZ.js";
import {
  ABI_VERSION,
  COLUMN,
  HEADER,
  REJECT,
  RESULTS,
  STATUS
} from "./chunk-WTTS74JV.js";
import {
  stringForms
} from "./chunk-KYH7TSYC.js";
import {
  Data,
  RecordBatch,
  Struct,
  makeData
} from "./chunk-TONEWEO2.js";
import {
  STATUSES
} from "./chunk-TH4FY7UR.js";
import {
  SluiceError,
  assert
} from "./chunk-OOJGYMCI.js";

// src/kernel/kernel-instance.ts
var Results = class {
  recordBatches = [];
  rejects = [];
  counts = Object.fromEntries(STATUSES.map((status) => [status, 0]));
  rowsLate = 0;
  rowsWithIssues = 0;
  rowsHighValue = 0;
  rowsLearned = 0;
  maxEventTime;
  minChangeSeq;
  maxChangeSeq = 0n;
  trap;
  output() {
    return { ...this, minChangeSeq: this.minChangeSeq ?? 0n };
  }
};
var NO_EVENT_TIME = -(2n ** 63n);
var KERNEL_STATUSES = Object.keys(STATUS);
function instantiate(module, memory) {
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports;
  const version = exports.abiVersion === void 0 ? "none" : exports.abiVersion() >>> 0;
  if (version === ABI_VERSION) return exports;
  throw new SluiceError(
    "SLUICE_KERNEL",
    `the WASM kernel in build/ is of another version than the program: its ABI version is ${version}, not ${ABI_VERSION}; run \`npm run build:wasm\` and \`npm run build:ts\``
  );
}
var KernelInstance = class {
  #spec;
  #limits;
  #memory;
  #map;
  #exports;
  #schema;
  #view;
  #bytes;
  constructor(module, spec, limits, flags) {
    this.#spec = spec;
    this.#limits = limits;
    const { bytes } = memoryMap(spec, limits);
    assert(bytes <= MAX_MEMORY_BYTES, `the kernel's memory of ${bytes} bytes can be addressed`);
    const pages = Math.ceil(bytes / PAGE_BYTES);
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#map = writeTables(this.#memory, spec, limits, flags);
    this.#exports = instantiate(module, this.#memory);
    this.#schema = arrowSchema(spec);
    this.#view = new DataView(this.#memory.buffer);
    this.#bytes = Buffer.from(this.#memory.buffer);
  }
  /** As `useIssueBits` of kernel.ts. */
  useIssueBits(bits) {
    writeIssueBits(this.#view, bits);
  }
  begin(partition) {
    this.#view.setInt32(HEADER.partition, partition, true);
    this.#exports.begin();
  }
  /** Every byte of a message goes into one text column at most, and an amount's into its raw column. */
  hasRoomFor(rows, valueBytes) {
    if (this.#word(RESULTS.rows) + rows > this.#limits.batchRows) return false;
    return this.#map.columns.every(
      ({ type, record }) => type !== "utf8" || this.#word(record + COLUMN.bytesUsed) + valueBytes <= this.#limits.columnBytes
    );
  }
  /** Reads the messages [from, to) of a chunk, which must fit. @throws KernelTrap: then the instance is of no use */
  read(results, chunk, views, from, to) {
    const { values, valueOffsets, valueValidity, kafkaOffsets, timestamps } = this.#map;
    const rows = to - from;
    const base = views.valueOffsets[from];
    const valueBytes = views.valueOffsets[to] - base;
    assert(rows <= this.#limits.chunkRows && valueBytes <= this.#limits.chunkBytes, "the chunk fits");
    this.#copyIn(views.values.subarray(base, base + valueBytes), values);
    this.#view.setUint32(HEADER.values, values - base, true);
    this.#view.setUint32(HEADER.validityShift, from & 7, true);
    this.#copyIn(views.valueOffsets.subarray(from, to + 1), valueOffsets);
    this.#copyIn(views.valueValidity.subarray(from >> 3, to + 7 >> 3), valueValidity);
    this.#copyIn(views.offsets.subarray(from, to), kafkaOffsets);
    this.#copyIn(views.timestamps.subarray(from, to), timestamps);
    try {
      this.#exports.readChunk(rows);
    } catch (cause) {
      throw new KernelTrap(cause);
    }
    this.#collectRejects(results, chunk, from);
  }
  /**
   * Adds the rows and counters to the results.
   * @param copy whether the record batch must outlive this instance's next `begin`
   */
  collect(results, copy) {
    const rows = this.#word(RESULTS.rows);
    results.rowsLate += this.#word(RESULTS.rowsLate);
    results.rowsWithIssues += this.#word(RESULTS.rowsWithIssues);
    results.rowsHighValue += this.#word(RESULTS.rowsHighValue);
    results.rowsLearned += this.#word(RESULTS.rowsLearned);
    for (const status of KERNEL_STATUSES) {
      results.counts[status] += this.#word(RESULTS.statusCounts + STATUS[status] * 4);
    }
    if (rows === 0) return;
    const eventTime = this.#view.getBigInt64(RESULTS.maxEventTime, true);
    if (eventTime !== NO_EVENT_TIME && (results.maxEventTime === void 0 || eventTime > results.maxEventTime)) {
      results.maxEventTime = eventTime;
    }
    const [lowest, highest] = [RESULTS.minChangeSeq, RESULTS.maxChangeSeq].map(
      (at) => this.#view.getBigUint64(at, true)
    );
    if (results.minChangeSeq === void 0 || lowest < results.minChangeSeq) results.minChangeSeq = lowest;
    if (highest > results.maxChangeSeq) results.maxChangeSeq = highest;
    const children = this.#map.columns.map(
      (column, index) => this.#columnData(column, this.#schema.fields[index].type, rows, copy)
    );
    const struct = makeData({ type: new Struct(this.#schema.fields), length: rows, children });
    results.recordBatches.push(new RecordBatch(this.#schema, struct));
  }
  /** As `stringForms` of string-forms.ts, which it calls for a column that is not in its memory. */
  stringForms = (column, from, rows, address) => {
    const { valueOffsets, values } = column;
    if (values.buffer !== this.#memory.buffer) return stringForms(column, from, rows, address);
    const { forms } = this.#map;
    this.#exports.stringForms(valueOffsets.byteOffset + from * 4, values.byteOffset, rows, address, forms);
    return this.#bytes.subarray(forms);
  };
  /** `set` reads shared memory by words, or even by bytes if they are not aligned; `fill` copies it as any other. */
  #copyIn({ buffer, byteOffset, byteLength }, to) {
    if (byteLength > 0) this.#bytes.fill(new Uint8Array(buffer, byteOffset, byteLength), to, to + byteLength);
  }
  #collectRejects(results, chunk, from) {
    const count = this.#word(RESULTS.rejectCount);
    for (let index = 0, at = this.#map.rejects; index < count; index++, at += REJECT.size) {
      const status = KERNEL_STATUSES[this.#word(at + REJECT.status)];
      const place = this.#view.getInt32(at + REJECT.position, true);
      const isColumn = status === "missing_required";
      results.rejects.push({
        chunk,
        row: from + this.#word(at + REJECT.row),
        status,
        position: isColumn ? -1 : place,
        column: isColumn ? this.#spec.columns[place].name : void 0
      });
    }
  }
  #columnData(column, type, rows, copy) {
    const { data, offsets, validity, record } = column;
    const { buffer } = this.#memory;
    const keep = (view) => copy ? view.slice() : view;
    const nullBitmap = new Uint8Array(buffer, validity, validity === 0 ? 0 : rows + 7 >> 3);
    const valueOffsets = offsets === 0 ? void 0 : keep(new Int32Array(buffer, offsets, rows + 1));
    const values = COLUMN_LAYOUTS[column.type].view(buffer, data, rows, this.#word(record + COLUMN.bytesUsed));
    return new Data(type, 0, rows, this.#word(record + COLUMN.nulls), [valueOffsets, keep(values), keep(nullBitmap)]);
  }
  #word(at) {
    return this.#view.getUint32(at, true);
  }
};

export {
  Results,
  KernelInstance
};
//# sourceMappingURL=chunk-OU3ABUAZ.js.map
