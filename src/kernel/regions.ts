/**
 * Where everything is in the kernel's memory. The start is the same for all specs, and abi.ts has its addresses; after
 * it come
 *
 *   keys        KEY[], grouped by node; then the bytes of the keys
 *   node keys   NODE_KEYS[], one per node
 *   words       WORD[]; then the bytes of the words
 *   checks      CHECK[], one per expectation of rows; then the automata
 *   slots       SLOTS[], one per path of a spec column; one more to ignore
 *   graph       GRAPH
 *   masks       the key of HMACs, MASK_NODE[], MASK_KEY[], then the bytes of the names; masks of late texts
 *   input       the values of one chunk; value offsets, validity, Kafka offsets, timestamps
 *   message keys, key offsets, key validity; nothing if the spec does not read the keys of messages
 *   rejects     REJECT[], of the messages of one chunk
 *   scratch     one decoded string
 *   extras      EXTRA[]: those of each row of the block, then those of the general path's row
 *   arena       decoded strings of JSON of the rows of a block; nothing if the spec has none
 *   forms       text as DuckDB has it (kernels/forms.ts)
 *   unmasked    the extras of a row before they are masked; nothing if the spec has no masks
 *   output      per Arrow column: offsets or data; of text then data; validity
 *
 * each with spare bytes after it. From the input on, sizes depend on the limits, and each is a sum: so many bytes, and
 * so many per unit of each limit. bundle.ts tells hosts in other languages the same.
 */

import { STRING_BYTES, VECTOR_ROWS } from '../core/string-forms.js';
import { hasMasks } from '../schema/mask.js';
import { hasOffsets, type TableColumn, type TableSpec, tableColumns } from '../schema/spec.js';
import {
  BLOCK_ROWS,
  COLUMN,
  COLUMNS,
  CONTEXT_EXTRAS,
  EXTRA,
  GRAPH,
  KEY_EXTRA_BYTES,
  NODE,
  NODE_KEYS,
  NODES,
  REJECT,
  ROW_SPARE_BYTES,
  SLOTS,
  SPARE_BYTES,
} from './abi.js';
import { checkTableBytes } from './check-table.js';
import { COLUMN_LAYOUTS } from './column-layout.js';
import { maskCacheBytes, maskTableBytes, textTimes } from './mask-table.js';
import { keyTableBytes, pathTree } from './path-tree.js';
import { wordTableBytes } from './word-table.js';

/** The shortest member of an object, `"":0` and a comma: how many extras a row can have at most. */
const MIN_MEMBER_BYTES = 5;
/** Regions start at a multiple of it. */
export const REGION_ALIGNMENT = 16;
export const PAGE_BYTES = 65_536;
export const MAX_MEMORY_BYTES = 2 ** 32 - PAGE_BYTES;

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

/** Bytes: `fixed`, and so many per unit of each limit. */
export type Size = Readonly<Partial<Record<'fixed' | keyof KernelLimits, number>>>;

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
  /** Of the expectations of rows. */
  readonly checks: number;
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
  /** How many bytes of text one of a message can become. */
  readonly times: number;
}

/** The regions whose address is a word of the header, of the same name. */
export const IN_HEADER = [
  'valueOffsets',
  'valueValidity',
  'kafkaOffsets',
  'timestamps',
  'keyOffsets',
  'keyValidity',
  'rejects',
  'scratch',
  'slots',
  'graph',
  'extras',
  'arena',
  'maskCache',
  'unmasked',
] as const;

/** The tables of the spec, and what is learned: as large for all limits. */
function tableSizes(spec: TableSpec) {
  const tree = pathTree(spec);
  return {
    keys: { fixed: keyTableBytes(tree) },
    nodeKeys: { fixed: tree.nodes.length * NODE_KEYS.size },
    words: { fixed: wordTableBytes(spec) },
    checks: { fixed: checkTableBytes(spec) },
    slots: { fixed: (tree.fields.length + 1) * SLOTS.size },
    graph: { fixed: GRAPH.size },
    masks: { fixed: maskTableBytes(spec) },
    maskCache: { fixed: maskCacheBytes(spec) },
  } satisfies Record<string, Size>;
}

/** What a chunk takes, in order; undefined if the spec does not need it. */
export function chunkSizes(spec: TableSpec) {
  const { keyNode, embeddedDepth } = pathTree(spec);
  const ofKeys = (size: Size): Size | undefined => (keyNode === undefined ? undefined : size);
  /** Of values and keys. */
  const perTextByte = (bytes: number): Size => ({ chunkBytes: bytes, ...ofKeys({ keyBytes: bytes }) });
  return {
    values: { chunkBytes: 1 },
    valueOffsets: { fixed: 4, chunkRows: 4 },
    valueValidity: { chunkRows: 1 / 8 },
    kafkaOffsets: { chunkRows: 8 },
    timestamps: { chunkRows: 8 },
    messageKeys: ofKeys({ keyBytes: 1 }),
    keyOffsets: ofKeys({ fixed: 4, chunkRows: 4 }),
    keyValidity: ofKeys({ chunkRows: 1 / 8 }),
    rejects: { chunkRows: REJECT.size },
    scratch: perTextByte(1),
    extras: { fixed: (BLOCK_ROWS * CONTEXT_EXTRAS + 2) * EXTRA.size, ...perTextByte(EXTRA.size / MIN_MEMBER_BYTES) },
    arena: embeddedDepth > 0 ? { ...perTextByte(embeddedDepth), chunkRows: ROW_SPARE_BYTES } : undefined,
    forms: { fixed: VECTOR_ROWS * STRING_BYTES },
    unmasked: hasMasks(spec) ? { fixed: KEY_EXTRA_BYTES, ...perTextByte(1) } : undefined,
  } satisfies Record<string, Size | undefined>;
}

/** What a column takes, in order; undefined if it has none. */
export function columnSizes(spec: TableSpec, { type, nullable, source }: TableColumn) {
  const isText = hasOffsets(type);
  const perRow: Size = { fixed: 4, batchRows: COLUMN_LAYOUTS[type].rowBytes };
  return {
    offsets: isText ? perRow : undefined,
    data: isText ? { columnBytes: textTimes(spec, source) } : perRow,
    validity: nullable ? { batchRows: 1 / 8 } : undefined,
  } satisfies Record<string, Size | undefined>;
}

/** Places regions one after the other. */
class Regions {
  #end: number;
  readonly #limits: KernelLimits;

  constructor(start: number, limits: KernelLimits) {
    this.#end = start;
    this.#limits = limits;
  }

  /** @returns the address of each, 0 of none */
  take<Name extends string>(sizes: Readonly<Record<Name, Size | undefined>>): Record<Name, number> {
    const entries = Object.entries<Size | undefined>(sizes);
    const places = entries.map(([name, size]) => [name, size === undefined ? 0 : this.#place(size)]);
    return Object.fromEntries(places) as Record<Name, number>;
  }

  #place(size: Size): number {
    const start = this.#end;
    // No bit operations: these numbers may be beyond 2^32 if a large message does not fit.
    const end = start + bytesOf(size, this.#limits) + SPARE_BYTES;
    this.#end = Math.ceil(end / REGION_ALIGNMENT) * REGION_ALIGNMENT;
    return start;
  }

  get end(): number {
    return this.#end;
  }
}

export function bytesOf({ fixed = 0, ...perLimit }: Size, limits: KernelLimits): number {
  const parts = Object.entries(perLimit).map(([limit, bytes]) => bytes * limits[limit as keyof KernelLimits]);
  return parts.reduce((sum, bytes) => sum + bytes, fixed);
}

type AllRegions = Record<keyof ReturnType<typeof tableSizes> | keyof ReturnType<typeof chunkSizes>, number>;

/** The address of everything. Needs no memory: `bytes` says how much it takes. */
export function memoryMap(spec: TableSpec, limits: KernelLimits): MemoryMap & AllRegions {
  const regions = new Regions(NODES + pathTree(spec).nodes.length * NODE.size, limits);
  const tables = regions.take(tableSizes(spec));
  const chunk = regions.take(chunkSizes(spec));
  const columns = tableColumns(spec).map((column, index) => ({
    ...column,
    record: COLUMNS + index * COLUMN.size,
    times: textTimes(spec, column.source),
    ...regions.take(columnSizes(spec, column)),
  }));
  return { ...tables, ...chunk, columns, bytes: regions.end };
}
