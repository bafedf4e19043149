/**
 * The memory map. The host computes it for a spec and a capacity and writes it into the header; nothing is allocated
 * here, and there is no other state than this memory and a few globals.
 *
 *   64     header    addresses, numbers and counters, see below
 *   512    issues    64 × 8 bytes: the issue bits of each row of the block
 *   1024   messages  64 × 4 bytes: which message of the chunk each row of the block was
 *   1280   lost      8 bytes: rows that a loop leaves out; 8 bytes: those it leaves to another; 16 bytes: a constant
 *   2048   columns   one record of 32 bytes per Arrow column
 *   6656   nesting   1 byte per open container of a value that is skipped
 *   7680   found     256 × 2 bytes: the key that was found last by its hash, in records from the first node's on
 *   8192   cursors   64 × 8 bytes: how far each row of the block is read, and where it ends
 *   8704   counts    65 × 4 bytes: how many extras each lane has
 *   8976   entered   64 × 8 bytes: for each mapped object a bit per row of the block, whether the row has it
 *   9728   unread    64 × 8 bytes: for each row of the block a bit per spec column that could not take its value
 *   10240  fields    one record of 16 bytes per spec column
 *   11264  nodes     one record of 64 bytes per mapped object: the tree of the spec's paths
 *   …      keys      one record of 16 bytes per mapped key, grouped by node; then the bytes of the keys
 *   …      node keys per node 65 × 8 bytes: its key as each lane's row has it
 *   …      slots     per spec column 64 × 9 bytes: where its value is in each row of the block; one more to ignore
 *   …      graph     what the learned path has learned (graph.ts)
 *   …      input     the values of one chunk and 64 spare bytes; value offsets, validity, Kafka offsets, timestamps
 *   …      rejects   12 bytes per message that is no row
 *   …      scratch   one decoded string
 *   …      extras    for each lane one record of 24 bytes per unmapped field of the row
 *   …      forms     2,048 × 16 bytes: text as DuckDB has it (forms.ts)
 *   …      output    per Arrow column: validity, offsets, data
 *
 * A lane is what is known of a row that is being read: one for each row of the block, and one for the general path.
 *
 * Every region has 64 spare bytes behind it: reads and copies go by 16 or 32 bytes and may overrun.
 */
export const ISSUE_BITS: usize = 512;
export const MESSAGES: usize = 1024;
export const COLUMNS: usize = 2048;
export const NESTING: usize = 6656;
export const KEYS_FOUND: usize = 7680;
export const LOST_ROWS: usize = 1280;
export const SPECIAL_ROWS: usize = 1288;
export const KEPT: usize = 1296;
export const CURSORS: usize = 8192;
export const EXTRA_COUNTS: usize = 8704;
export const NODE_ROWS: usize = 8976;
export const UNREAD: usize = 9728;
export const FIELDS: usize = 10240;
export const NODES: usize = 11264;

/** Header fields, written by the host. */
export const VALUES: usize = 64;
export const VALUE_OFFSETS: usize = 68;
export const VALUE_VALIDITY: usize = 72;
export const KAFKA_OFFSETS: usize = 76;
export const TIMESTAMPS: usize = 80;
export const EXTRAS: usize = 84;
export const SCRATCH: usize = 88;
export const REJECTS: usize = 92;
export const SPEC_COLUMNS: usize = 96;
export const ARROW_COLUMNS: usize = 100;
export const ROW_CAPACITY: usize = 104;
export const PARTITION: usize = 108;
export const CHANGE_ID_SLOT: usize = 112;
/** Slots of the roles; NO_SLOT where the spec gives the role to no column. */
export const AMOUNT_SLOT: usize = 116;
export const EVENT_TIME_SLOT: usize = 120;
/** Bit i: spec column i is required. */
export const REQUIRED: usize = 128;
/** Scaled by 10^4. */
export const HIGH_VALUE_THRESHOLD: usize = 136;
/** Microseconds. */
export const LATE_AFTER: usize = 144;
export const SLOTS: usize = 152;
export const GRAPH: usize = 156;
/** Record of the column of extras. */
export const EXTRA_COLUMN: usize = 168;
/** 1 where rows may take the learned path. */
export const LEARNING: usize = 160;
/** The chunk's first bit in the validity that the host gave. */
export const VALIDITY_SHIFT: usize = 164;

/** Header fields, written by the kernel. */
export const ROWS: usize = 192;
export const REJECT_COUNT: usize = 196;
export const ROWS_LATE: usize = 200;
export const ROWS_WITH_ISSUES: usize = 204;
export const ROWS_HIGH_VALUE: usize = 208;
export const MAX_EVENT_TIME: usize = 216;
export const MIN_CHANGE_SEQ: usize = 224;
export const MAX_CHANGE_SEQ: usize = 232;
/** Messages by status, six words. */
export const STATUS_COUNTS: usize = 240;
/** Rows that the learned path read. */
export const ROWS_LEARNED: usize = 264;
export const RESULTS_END: usize = 268;

export const NO_SLOT: u32 = 0xffffffff;

/** Rows that are read before the columns take them over. */
export const BLOCK_ROWS: usize = 64;

/** Record of a slot: start u32, end u32. Strings are without their quotes. */
export const SLOT_BYTES: usize = 8;
/** Behind the slots of one spec column are the kinds of what is there, u8. */
export const KINDS: usize = BLOCK_ROWS * SLOT_BYTES;
export const SLOT_COLUMN_BYTES: usize = KINDS + BLOCK_ROWS;
export const K_MISSING: u32 = 0;
export const K_NULL: u32 = 1;
/** Strings: as they are, and with escapes. */
export const K_STRING: u32 = 2;
export const K_ESCAPED: u32 = 3;
export const K_NUMBER: u32 = 4;
export const K_TRUE: u32 = 5;
export const K_FALSE: u32 = 6;
export const K_OBJECT: u32 = 7;
export const K_ARRAY: u32 = 8;

/**
 * Record of a spec column: its bit in the issues u8, 1 if it takes integers as text u8, 1 if a raw column has what it
 * could not take u8, unused u8, microseconds of a unit of time u32 (0: nanoseconds), record of its key u32, unused u32.
 */
export const FIELD_BYTES: usize = 16;

/** Record of a cursor: the place that is read next u32, end u32. */
export const CURSOR_BYTES: usize = 8;

/** The lane of the general path; those before it are the block's rows. */
export const GENERAL_LANE: usize = BLOCK_ROWS;
/** Extras that a row of the learned path can have; the general path has room for all that a chunk can hold. */
export const LANE_EXTRAS: u32 = 256;

/** Record of an Arrow column: operation, slot, bytes used, data, offsets, validity, nulls, is bits; all u32. */
export const COLUMN_BYTES: usize = 32;

/**
 * Record of a node: keys u32, key count u32, unused u32, parent u32, its keys in the rows u32, unused u32, first extra
 * u32, last extra u32, row stamp u32, depth u32, leaves below u64 (bit per spec column).
 */
export const NODE_BYTES: usize = 64;
/** Record of a key: address u32, length u32, target u32 (a spec column, or a node with NODE_TARGET set). */
export const KEY_BYTES: usize = 16;
export const NODE_TARGET: u32 = 0x80000000;

/** Record of an extra: node u32, key start u32, key end u32, value start u32, value end u32 (0: replaced later). */
export const EXTRA_BYTES: usize = 24;
/** Record of a reject: row of the chunk u32, status u32, position i32 (of MISSING_REQUIRED: the spec column). */
export const REJECT_BYTES: usize = 12;

/** Status codes, as in STATUSES of src/core/flow.ts. */
export const OK: u32 = 0;
export const TOMBSTONE: u32 = 1;
export const MALFORMED: u32 = 2;
export const NOT_OBJECT: u32 = 3;
export const MISSING_REQUIRED: u32 = 4;

export const MAX_NESTING: u32 = 1024;

/** Operations of columns, as in src/kernel/fields.ts. */
export const TEXT: u32 = 0;
export const JSON_TEXT: u32 = 1;
export const AMOUNT: u32 = 2;
export const RAW: u32 = 3;
export const TIMESTAMP: u32 = 4;
export const INT64: u32 = 5;
export const BOOL: u32 = 6;
/** Has no loop over the block: extras are written row by row. */
export const EXTRA: u32 = 7;
export const HIGH_VALUE: u32 = 8;
export const LATE: u32 = 9;
export const ISSUES: u32 = 10;
export const KAFKA_PARTITION: u32 = 11;
export const KAFKA_OFFSET: u32 = 12;
export const KAFKA_TIMESTAMP: u32 = 13;
export const CHANGE_SEQ: u32 = 14;
export const DATE: u32 = 15;
