/**
 * The kernel for hosts in other languages: the memory as it is before the first message, and a description of all that
 * such a host must know, both made by what the host of `run` uses itself. kernels/ABI.md says how they are used.
 */
import { STATUSES } from '../core/flow.js';
import { rowChecks } from '../schema/expectations.js';
import { type ColumnType, specJson, type TableSpec, tableColumns } from '../schema/spec.js';
import { specHash } from '../schema/spec-hash.js';
import { ABI_VERSION, COLUMN, COLUMNS, HEADER, KEY_EXTRA_BYTES, REJECT, RESULTS, SPARE_BYTES, STATUS } from './abi.js';
import { type BatchSizes, kernelLimits, limitsOfLarge } from './limits.js';
import { type FlagOptions, writeTables } from './memory-map.js';
import {
  bytesOf,
  chunkSizes,
  columnSizes,
  IN_HEADER,
  MAX_MEMORY_BYTES,
  memoryMap,
  PAGE_BYTES,
  REGION_ALIGNMENT,
  type Size,
} from './regions.js';
import { wordBytes } from './word-table.js';

/** Of what follows, apart from the ABI: a host refuses one that it does not know. */
const FORMAT = 1;

/** As Arrow's own schemas have them in JSON. */
const ARROW_TYPES: Readonly<Record<ColumnType, object>> = {
  utf8: { name: 'utf8' },
  decimal: { name: 'decimal', bitWidth: 128 },
  timestamp_us_utc: { name: 'timestamp', unit: 'MICROSECOND', timezone: 'UTC' },
  date32: { name: 'date', unit: 'DAY' },
  int64: { name: 'int', bitWidth: 64, isSigned: true },
  uint64: { name: 'int', bitWidth: 64, isSigned: false },
  int32: { name: 'int', bitWidth: 32, isSigned: true },
  double: { name: 'floatingpoint', precision: 'DOUBLE' },
  bool: { name: 'bool' },
  uuid: { name: 'fixedsizebinary', byteWidth: 16 },
  binary: { name: 'binary' },
};

/** What a host does with it; kernels/ABI.md has the details. */
const PER_BATCH = [
  'once: memory of memory.pages pages with the image at 0; instantiate with it as env.memory; compare abiVersion()',
  'write header.partition and call begin()',
  'per chunk of at most limits.chunkRows messages, chunkBytes of values and keyBytes of keys: copy values, ' +
    'valueOffsets, valueValidity, kafkaOffsets and timestamps to their regions; keys too, if there is keyOffsets',
  'write header.values, and header.keys: address of the region less the first offset; header.validityShift: first bit',
  'call readChunk(messages); take results.rejectCount records of rejects, which are of this chunk',
  'before a chunk that might not fit batchRows or columnBytes, and at the end: take results.rows rows of each column',
];

interface Region {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
  readonly size: Size;
  /** Where the kernel reads its address. */
  readonly addressAt?: number;
}

export interface KernelBundle {
  /** Of the memory from address 0 on; all that follows is zero. */
  readonly image: Uint8Array;
  readonly description: object;
}

/** Both for a spec, and for batches of at most so many rows and bytes. */
export function kernelBundle(spec: TableSpec, options: FlagOptions & BatchSizes): KernelBundle {
  const limits = kernelLimits(spec, options);
  const { bytes } = memoryMap(spec, limits);
  const description = {
    format: FORMAT,
    abiVersion: ABI_VERSION,
    exports: { abiVersion: '() -> i32', begin: '()', readChunk: '(messages: i32)' },
    perBatch: PER_BATCH,
    memory: { bytes, pages: Math.ceil(bytes / PAGE_BYTES), pageBytes: PAGE_BYTES, maxBytes: MAX_MEMORY_BYTES },
    limits: { ...limits, keyExtraBytes: KEY_EXTRA_BYTES, wordBytes: wordBytes(spec) },
    limitsOfLarge: limitsOfLarge(0, 0),
    regions: { spareBytes: SPARE_BYTES, alignment: REGION_ALIGNMENT, inOrder: regionsOf(spec, limits) },
    columns: tableColumns(spec).map(({ name, type, size, nullable }, index) => ({
      name,
      arrow: { ...ARROW_TYPES[type], ...size },
      nullable,
      record: COLUMNS + index * COLUMN.size,
    })),
    records: { column: COLUMN, reject: REJECT },
    header: HEADER,
    results: RESULTS,
    statuses: Object.keys(STATUS),
    statusesOfHost: STATUSES.filter((status) => status === 'too_large' || status === 'kernel_trap'),
    flags: { highValueThreshold: options.highValueThreshold, lateAfterMs: options.lateAfterMs },
    tombstonesAreRows: spec.deletes?.tombstone ?? false,
    spec: JSON.parse(specJson(spec)) as object,
    specColumns: spec.columns.map(({ name }) => name),
    checks: rowChecks(spec).map(({ expectation: { name, action, column } }) => ({ name, action, column })),
    specHash: specHash(spec),
  };
  return { image: imageOf(spec, options), description };
}

/** All tables are before the first region that depends on the limits. */
function imageOf(spec: TableSpec, options: FlagOptions & BatchSizes): Uint8Array {
  const limits = kernelLimits(spec, options);
  const { values } = memoryMap(spec, limits);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(values / PAGE_BYTES) });
  writeTables(memory, spec, limits, options);
  const bytes = new Uint8Array(memory.buffer, 0, values);
  let end = values;
  while (bytes[end - 1] === 0) end--;
  return bytes.slice(0, end);
}

/** Those whose place depends on the limits, in order: a host lays them out anew for a large message. */
function regionsOf(spec: TableSpec, limits: ReturnType<typeof kernelLimits>): Region[] {
  const map = memoryMap(spec, limits);
  const inHeader: readonly string[] = IN_HEADER;
  const region = (name: string, address: number, size: Size, addressAt: number | undefined): Region => ({
    name,
    address,
    bytes: Math.ceil(bytesOf(size, limits)),
    size,
    addressAt,
  });
  const regions: Region[] = [];
  for (const [name, size] of Object.entries<Size | undefined>(chunkSizes(spec))) {
    const addressAt = inHeader.includes(name) ? HEADER[name as keyof typeof HEADER] : undefined;
    if (size !== undefined)
      regions.push(region(name, map[name as keyof ReturnType<typeof chunkSizes>], size, addressAt));
  }
  for (const [index, column] of map.columns.entries()) {
    for (const [part, size] of Object.entries<Size | undefined>(columnSizes(spec, column))) {
      const name = part as keyof ReturnType<typeof columnSizes>;
      if (size === undefined) continue;
      regions.push(region(`columns.${index}.${name}`, column[name], size, column.record + COLUMN[name]));
    }
  }
  return regions;
}
