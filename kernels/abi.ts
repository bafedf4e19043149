// Made by scripts/abi.mjs from kernels/abi.json: change that, and run `npm run build:abi`.

export const ABI_VERSION: u32 = 2531662350; // Of all that follows: a build from other names or numbers has another one.
export const BLOCK_ROWS: usize = 64; // Rows that are read before the columns take them over.
/** What is known of a row while it is read: one for each row of the block, and the general path's. */
export const ROW_CONTEXTS: usize = 65;
export const GENERAL_CONTEXT: usize = 64; // The row context of the general path, after those of the block's rows.
/** Extras that a row of the block can have; the general path has room for all that a chunk can hold. */
export const CONTEXT_EXTRAS: u32 = 256;
export const MAX_SPEC_COLUMNS: usize = 64; // Columns that a spec can have: a bit each in 64.
/** Columns of the output: those of the spec, a raw column for each, and eight derived ones. */
export const MAX_ARROW_COLUMNS: usize = 136;
export const MAX_NESTING: u32 = 1024; // Open containers of a value that is skipped, those around it included.
export const TRACKED_NODES: usize = 64; // Mapped objects that the speculative path can enter: a bit each.
export const MAX_STATES: u32 = 512; // States of the learned graph.
export const MAX_SCOPES: u32 = 256; // Scopes in the learned graph.
export const MAX_TRANSITIONS: u32 = 8; // Transitions of one state.
export const MAX_LITERAL: u32 = 64; // Bytes of a transition's literal.
export const MAX_ACTIONS: u32 = 6; // Actions of a transition.
/** After each region that the host lays out: reads and copies go by 16 or 32 bytes and may overrun. */
export const SPARE_BYTES: usize = 64;
export const NO_SLOT: u32 = 4294967295; // In place of a column's number: no column has the role.
export const NODE_TARGET: u32 = 2147483648; // Set in the target of a key that leads to a node, and not to a slot.
export const KEPT_TARGET: u32 = 4294967293; // Target of a key that is an extra even in an object that is ignored.
export const IGNORED_TARGET: u32 = 4294967294; // Target of a key that is only checked.
export const ROW_SPARE_BYTES: usize = 64; // Between the decoded strings of one row and those of the next.
export const KEY_EXTRA_BYTES: u32 = 24; // What the extras of a row can have beyond the bytes of its value and its key.
export const HMAC_TEXT: usize = 32; // Bytes of a masked text: the first half of an HMAC-SHA-256 in hexadecimal digits.
export const HMAC_SHORT: usize = 55; // Bytes of a text that takes one block of SHA-256 with what is added to it.
export const HMAC_CACHE: usize = 1024; // Texts whose masks are remembered.
export const MAX_LIMBS: usize = 96; // 32-bit digits of an integer of any length: 801 decimal digits have 84.
/** How many bytes a byte of JSON can become at most: `"":0` is a masked text of 37 with its comma. */
export const MASK_TIMES: usize = 8;

/** What became of a message. */
export namespace STATUS {
  export const OK: u32 = 0;
  export const TOMBSTONE: u32 = 1;
  export const MALFORMED: u32 = 2;
  export const NOT_OBJECT: u32 = 3;
  export const MISSING_REQUIRED: u32 = 4;
  export const EXPECTATION: u32 = 5;
}

/** What is in a slot; strings as they are, and with escapes. */
export namespace KIND {
  export const MISSING: u32 = 0;
  export const NULL: u32 = 1;
  export const STRING: u32 = 2;
  export const ESCAPED: u32 = 3;
  export const NUMBER: u32 = 4;
  export const TRUE: u32 = 5;
  export const FALSE: u32 = 6;
  export const OBJECT: u32 = 7;
  export const ARRAY: u32 = 8;
}

/** What fills a column: a kind of the spec, or the name of a derived column. `extra` has no loop over the block. */
export namespace OPERATION {
  export const TEXT: u32 = 0;
  export const JSON: u32 = 1;
  export const AMOUNT: u32 = 2;
  export const RAW: u32 = 3;
  export const TIMESTAMP: u32 = 4;
  export const INT64: u32 = 5;
  export const BOOL: u32 = 6;
  export const EXTRA: u32 = 7;
  export const IS_HIGH_VALUE: u32 = 8;
  export const IS_LATE: u32 = 9;
  export const ISSUES: u32 = 10;
  export const KAFKA_PARTITION: u32 = 11;
  export const KAFKA_OFFSET: u32 = 12;
  export const KAFKA_TIMESTAMP: u32 = 13;
  export const CHANGE_SEQ: u32 = 14;
  export const DATE: u32 = 15;
  export const MAPPED: u32 = 16;
  export const MASKED_TEXT: u32 = 17;
  export const MASKED_JSON: u32 = 18;
  export const MASKED_RAW: u32 = 19;
  export const DOUBLE: u32 = 20;
  export const DECIMAL: u32 = 21;
  export const UUID: u32 = 22;
  export const BINARY: u32 = 23;
}

/** What is expected of the values of a column. */
export namespace TEST {
  export const NOT_NULL: u32 = 0;
  export const RANGE: u32 = 1;
  export const LENGTH: u32 = 2;
  export const AUTOMATON: u32 = 3;
}

/** What a mask is. `inner`: only members have one; `paths`: by dotted paths; `around`: what is no object stays. */
export namespace MASK {
  export const INNER: u32 = 0;
  export const HMAC: u32 = 1;
  export const REDACT: u32 = 2;
  export const PARTIAL: u32 = 3;
  export const DROP: u32 = 4;
  export const TRUNCATE: u32 = 5;
  export const PATHS: u32 = 6;
  export const AROUND: u32 = 7;
}

/** What a masked time is the start of; `none` is for numbers. */
export namespace PERIOD {
  export const NONE: u32 = 0;
  export const HOUR: u32 = 1;
  export const DAY: u32 = 2;
  export const MONTH: u32 = 3;
  export const YEAR: u32 = 4;
}

/** A column of the output. */
export namespace COLUMN {
  export const operation: usize = 0; // u32, of OPERATION
  export const slot: usize = 4; // u32, its spec column
  export const bytesUsed: usize = 8; // u32, bytes of text so far
  export const data: usize = 12; // u32, address
  export const offsets: usize = 16; // u32, address, 0 if it is no text
  export const validity: usize = 20; // u32, address, 0 if it is never null
  export const nulls: usize = 24; // u32, how many so far
  export const isBits: usize = 28; // u32, 1 if its data are a bit per row
  export const size: usize = 32;
}

/** A column of the spec; after them the further alternatives, which have a slot and a key each. */
export namespace SPEC_COLUMN {
  export const issueBit: usize = 0; // u8, its bit in the column `issues`
  export const takesIntegers: usize = 1; // u8, 1 if it takes integers as text
  export const hasRaw: usize = 2; // u8, 1 if a raw column has what it cannot take
  export const column: usize = 3; // u8, of a further alternative the column that it is one of
  export const isBase64: usize = 4; // u8, 1 if its texts are the bytes of an integer
  export const scale: usize = 5; // u8, decimals of that integer, or of the column
  export const precision: usize = 6; // u8, digits of a decimal
  export const key: usize = 8; // u32, record of its key
  export const unitMicroseconds: usize = 16; // i64, of its unit of time; 0 for nanoseconds
  export const size: usize = 24;
}

/** A word of the topic for an operation, and ours. */
export namespace WORD {
  export const from: usize = 0; // u32, address
  export const fromLength: usize = 4; // u32; of what stands for a tombstone no length that a text has
  export const to: usize = 8; // u32, address
  export const toLength: usize = 12; // u32
  export const size: usize = 16;
}

/** A mapped object in the tree of the spec's paths. */
export namespace NODE {
  export const keys: usize = 0; // u32, record of its first key
  export const keyCount: usize = 4; // u32
  export const parent: usize = 8; // u32, record
  export const rowKeys: usize = 12; // u32, NODE_KEYS: its own key as the rows have it
  export const firstExtra: usize = 16; // u32, extras of the general path from inside of it: the first
  export const endExtra: usize = 20; // u32, and the one after the last
  export const rowStamp: usize = 24; // u32, of the row of the general path that had it last
  export const depth: usize = 28; // u32, objects around it
  export const leaves: usize = 32; // u64, a bit per slot below it
  export const content: usize = 40; // u32, address: of an embedded one, the text that it was decoded to last
  export const contentEnd: usize = 44; // u32
  export const isEmbedded: usize = 48; // u8, 1 if a string is read as the JSON that it holds
  export const isIgnored: usize = 49; // u8, 1 if its other members are no extras
  export const isTombstone: usize = 50; // u8, 1 if the message is a tombstone when it is null
  export const size: usize = 64;
}

/** A mapped key, grouped by node. */
export namespace KEY {
  export const address: usize = 0; // u32, of its bytes
  export const length: usize = 4; // u32
  export const target: usize = 8; // u32, a slot, a node with NODE_TARGET set, KEPT_TARGET or IGNORED_TARGET
  export const size: usize = 16;
}

/** Bytes of the input. */
export namespace SPAN {
  export const start: usize = 0; // u32, address
  export const end: usize = 4; // u32
  export const size: usize = 8;
}

/** A node's key as the rows have it, without quotes. */
export namespace NODE_KEYS {
  export const spans: usize = 0; // SPAN[ROW_CONTEXTS]
  export const size: usize = 520;
}

/** Where a row has the value of a spec column; strings are without their quotes. */
export namespace SLOT {
  export const start: usize = 0; // u32, address
  export const end: usize = 4; // u32
  export const size: usize = 8;
}

/** A spec column in all rows of the block. */
export namespace SLOTS {
  export const spans: usize = 0; // SLOT[BLOCK_ROWS]
  export const kinds: usize = 512; // u8[BLOCK_ROWS], of KIND
  export const size: usize = 576;
}

/** How far a row of the block is read; the speculative path reads it as a slot as well. */
export namespace CURSOR {
  export const next: usize = 0; // u32, address of what is read next
  export const end: usize = 4; // u32, of the row
  export const size: usize = 8;
}

/** What is around the embedded text in which a row of the block is read. */
export namespace OUTER {
  export const next: usize = 0; // u32, address of what is read after it
  export const end: usize = 4; // u32, of the row
  export const arena: usize = 8; // u32, address of the next text that is decoded
  export const size: usize = 16;
}

/** A field that the spec does not map; keys are without quotes. */
export namespace EXTRA {
  export const node: usize = 0; // u32, record of the object that it is in
  export const keyStart: usize = 4; // u32
  export const keyEnd: usize = 8; // u32
  export const start: usize = 12; // u32, of its value
  export const end: usize = 16; // u32, 0 if it was replaced later
  export const size: usize = 20;
}

/** A message that is no row. */
export namespace REJECT {
  export const row: usize = 0; // u32, of the chunk
  export const status: usize = 4; // u32, of STATUS
/** i32, byte of the value; of missing_required the spec column, of expectation the check */
  export const position: usize = 8;
  export const size: usize = 12;
}

/** What tells a state or a scope of the learned graph apart. */
export namespace IDENTITY {
  export const scope: usize = 0; // u32, around it
  export const role: usize = 4; // u32, what it is for
  export const keyHash: usize = 8; // u32
  export const size: usize = 12;
}

/** A state of the learned graph. */
export namespace STATE {
  export const identity: usize = 0; // IDENTITY
  export const transitionCount: usize = 12; // u16
  export const oldest: usize = 14; // u16, the transition to replace next
  export const size: usize = 16;
}

/** The containers that are open: the innermost one, and the scope around it. */
export namespace SCOPE {
  export const identity: usize = 0; // IDENTITY
  export const size: usize = 16;
}

/** What a literal does besides leading to a scalar. Places are bytes from the start of the literal. */
export namespace ACTION {
  export const operation: usize = 0; // u32
  export const subject: usize = 4; // u32
  export const a: usize = 8; // u32, place
  export const b: usize = 12; // u32, place
  export const c: usize = 16; // u32, place
  export const size: usize = 20;
}

/** A literal that leads from one state to the next. */
export namespace TRANSITION {
  export const literal: usize = 0; // u8[MAX_LITERAL]
  export const length: usize = 64; // u32, of the literal; 0 if the transition is not in use
  export const anyBytes: usize = 68; // u32, which of its first 16 bytes do not matter, and all bits above
  export const next: usize = 72; // u32, TRANSITIONS of the next state, or END
  export const nextSlots: usize = 76; // u32, SLOTS of the next scalar
  export const actionCount: usize = 80; // u32
  export const leadsTo: usize = 84; // u32, what comes after the literal (graph.ts)
  export const newNodes: usize = 88; // u64, a bit per mapped object that the row enters
  export const actions: usize = 96; // ACTION[MAX_ACTIONS]
  export const valid: usize = 216; // u32, address: of an ignored value, the one that was found to be valid last
  export const validEnd: usize = 220; // u32
  export const validChunk: usize = 224; // u32, in which chunk
  export const depth: usize = 228; // u32, of an ignored value, the containers that are open around it in its text
  export const size: usize = 256;
}

/** The transitions of one state, the longest literal first: what is a prefix of another is tried after it. */
export namespace TRANSITIONS {
  export const all: usize = 0; // TRANSITION[MAX_TRANSITIONS]
  export const size: usize = 2048;
}

/** The learned graph. */
export namespace GRAPH {
  export const stateCount: usize = 0; // u32
  export const scopeCount: usize = 4; // u32
  export const pendingActions: usize = 8; // ACTION[MAX_ACTIONS], of a literal that is not complete
  export const spare: usize = 128; // TRANSITION, to swap two
  export const states: usize = 384; // STATE[MAX_STATES]
  export const scopes: usize = 8576; // SCOPE[MAX_SCOPES]
  export const waiting: usize = 12672; // u64[MAX_STATES], a bit per row of the block that waits in the state
  export const waitingStates: usize = 16768; // u64[8], a bit per state: whether rows wait in it
  export const transitions: usize = 16832; // TRANSITIONS[MAX_STATES]
  export const size: usize = 1065408;
}

/** An expectation of the values of a column; those that quarantine come first. */
export namespace CHECK {
  export const test: usize = 0; // u32, of TEST
  export const column: usize = 4; // u32, record of the column
  export const low: usize = 8; // i64, the lowest number or length
  export const high: usize = 16; // i64, the highest
  export const width: usize = 24; // u32, bytes of a number
  export const automaton: usize = 28; // u32, record
  export const failed: usize = 32; // u32, rows so far that failed it; of one that quarantines none
  export const first: usize = 36; // u32, the first of them
  export const size: usize = 40;
}

/** Which texts are expected. After it u16[], the next state by state and class of the next byte. */
export namespace AUTOMATON {
  export const classOf: usize = 0; // u8[256], of a byte
  export const start: usize = 256; // u32, the state before the first byte
  export const accepting: usize = 260; // u32, the first of the states that accept
  export const size: usize = 264;
}

/** A value with a mask, or an object with such values inside of it; arrays around them do not count. */
export namespace MASK_NODE {
  export const mask: usize = 0; // u32, of MASK
  export const keep: usize = 4; // u32, characters that stay at the end of a text; of `partial`
  export const keys: usize = 8; // u32, record of its first MASK_KEY
  export const keyCount: usize = 12; // u32
  export const size: usize = 16;
}

/** A member of an object that has a mask, or has one inside of it. */
export namespace MASK_KEY {
  export const address: usize = 0; // u32, of its bytes
  export const length: usize = 4; // u32
  export const node: usize = 8; // u32, MASK_NODE
  export const size: usize = 16;
}

/** The mask of a spec column. */
export namespace COLUMN_MASK {
  export const node: usize = 0; // u32, MASK_NODE; 0 if the column has no mask
  export const period: usize = 4; // u32, of PERIOD, of a time that is truncated
/** i64, of which a truncated number is a multiple; amounts scaled by 10^4; 0 if it is none */
  export const multiple: usize = 8;
  export const size: usize = 16;
}

/** A short text and its HMAC. */
export namespace CACHED_MASK {
  export const length: usize = 0; // u32, of the text and one more; 0 if there is none
  export const text: usize = 4; // u8[56]
  export const mask: usize = 60; // u8[HMAC_TEXT]
  export const size: usize = 128;
}

/** An integer of any length, not below 0. */
export namespace BIG {
  export const count: usize = 0; // u32, of its limbs
  export const limbs: usize = 4; // u32[MAX_LIMBS], the lowest first, the highest not 0
  export const size: usize = 388;
}

/** A short text whose HMAC is not computed yet, in a block of SHA-256. */
export namespace PENDING_MASK {
  export const to: usize = 0; // u32, address of where its mask goes
  export const entry: usize = 4; // u32, CACHED_MASK
  export const length: usize = 8; // u32
  export const size: usize = 12;
}

/** What the host writes. Addresses of regions that it lays out, and numbers. */
export namespace HEADER {
  export const values: usize = 64; // u32, where the value at offset 0 is
  export const valueOffsets: usize = 68; // u32, address
  export const valueValidity: usize = 72; // u32, address
  export const kafkaOffsets: usize = 76; // u32, address
  export const timestamps: usize = 80; // u32, address
  export const extras: usize = 84; // u32, address of EXTRA[]
  export const scratch: usize = 88; // u32, address; room for a decoded string
  export const rejects: usize = 92; // u32, address of REJECT[]
  export const specColumnCount: usize = 96; // u32, how many
  export const arrowColumnCount: usize = 100; // u32, how many
  export const rowCapacity: usize = 104; // u32, rows of a batch
  export const partition: usize = 108; // i32
  export const changeIdSlot: usize = 112; // u32, the spec column in the role of change_id, or NO_SLOT
  export const amountSlot: usize = 116; // u32, of amount, or NO_SLOT
  export const eventTimeSlot: usize = 120; // u32, of event_time, or NO_SLOT
  export const required: usize = 128; // u64, a bit per spec column
  export const highValueThreshold: usize = 136; // i64, scaled by 10^4
  export const lateAfter: usize = 144; // i64, microseconds
  export const slots: usize = 152; // u32, address of SLOTS[], one per path of a spec column and one to ignore
/** u32, without the one to ignore: of the columns, and after them of further alternatives */
  export const slotCount: usize = 156;
  export const graph: usize = 160; // u32, address of GRAPH
  export const learning: usize = 164; // u32, 1 if rows may take the speculative path
  export const validityShift: usize = 168; // u32, the chunk's first bit in valueValidity
  export const extraColumn: usize = 172; // u32, the record of the column of extras
  export const words: usize = 176; // u32, address of WORD[]
  export const wordCount: usize = 180; // u32, how many
  export const keyNode: usize = 184; // u32, the node that the message's key is; 0 if the spec does not read the key
  export const wholeKey: usize = 188; // u32, KEY that leads to the slot of all of the key; 0 if the spec has none
  export const wholeKeyIsText: usize = 192; // u32, 1 if that is no JSON
  export const keys: usize = 196; // u32, where the key at offset 0 is
  export const keyOffsets: usize = 200; // u32, address
  export const keyValidity: usize = 204; // u32, address
  export const tombstones: usize = 208; // u32, 1 if messages without a value are rows
  export const tombstoneSlot: usize = 212; // u32, the spec column that says so of these rows
  export const tombstoneKind: usize = 216; // u32, of KIND, what is in that slot
  export const tombstoneStart: usize = 220; // u32, address of what is in that slot
  export const tombstoneEnd: usize = 224; // u32
/** u32, address; room for the decoded strings of a block; 0 if the spec has no embedded JSON */
  export const arena: usize = 228;
/** u32, how much of it a byte of a message takes: strings in strings that are embedded */
  export const arenaTimes: usize = 232;
  export const checks: usize = 236; // u32, address of CHECK[]
  export const checkCount: usize = 240; // u32, how many
  export const quarantineChecks: usize = 244; // u32, how many of them quarantine, which are the first
  export const maskRoot: usize = 248; // u32, MASK_NODE of the message; 0 if the spec has no masks
/** u32, MASK_NODE of what a dotted path leads to that may mean several fields with masks */
  export const hiddenMask: usize = 252;
  export const maskKey: usize = 256; // u32, address of the key of HMACs, of 64 bytes; 0 if the spec has none
  export const maskCache: usize = 260; // u32, address of CACHED_MASK[HMAC_CACHE]
  export const unmasked: usize = 264; // u32, address; room for the extras of a row before they are masked
  export const end: usize = 268;
}

/** What the kernel writes, for the batch so far; `rejectCount` is of the chunk. */
export namespace RESULTS {
  export const rows: usize = 320; // u32
  export const rejectCount: usize = 324; // u32
  export const rowsLate: usize = 328; // u32
  export const rowsWithIssues: usize = 332; // u32
  export const rowsHighValue: usize = 336; // u32
  export const maxEventTime: usize = 344; // i64, microseconds, the lowest number there is if no row has one
  export const minChangeSeq: usize = 352; // u64
  export const maxChangeSeq: usize = 360; // u64
  export const statusCounts: usize = 368; // u32[STATUS]
  export const rowsLearned: usize = 392; // u32
  export const end: usize = 396;
}

export const ISSUE_BITS: usize = 448; // u64[BLOCK_ROWS], the column `issues` of each row of the block
export const MESSAGES: usize = 960; // u32[BLOCK_ROWS], which message of the chunk each row of the block was
export const LOST_ROWS: usize = 1216; // u64, rows that a loop leaves out
export const DEFERRED_ROWS: usize = 1280; // u64, rows that a loop leaves to a slower one
/** u64[256], for each set of 8 bytes to leave out, a bit each, the places of all others */
export const COMPACTIONS: usize = 1344;
export const OPAQUE: usize = 3392; // u8[16], a constant on its way into a register
export const COLUMNS: usize = 3456; // COLUMN[MAX_ARROW_COLUMNS]
export const NESTING: usize = 7808; // u8[MAX_NESTING], per open container whether the one around it is an object
/** u16[256], the key that was found last by its hash, in records from the first node's on */
export const KEYS_FOUND: usize = 8832;
export const CURSORS: usize = 9344; // CURSOR[BLOCK_ROWS]
export const OUTERS: usize = 9856; // OUTER[BLOCK_ROWS]
export const EXTRA_COUNTS: usize = 10880; // u32[ROW_CONTEXTS], how many extras each row context has
/** u64[TRACKED_NODES], a bit per row of the block that has entered the mapped object */
export const NODE_ROWS: usize = 11200;
export const UNREAD: usize = 11712; // u64[BLOCK_ROWS], a bit per spec column that could not take the row's value
export const SPEC_COLUMNS: usize = 12224; // SPEC_COLUMN[MAX_SPEC_COLUMNS]
/** u8[64], the counters of RESULTS that a block's columns change, as they were before it */
export const SAVED_RESULTS: usize = 13760;
export const SAVED_COLUMNS: usize = 13824; // COLUMN[MAX_ARROW_COLUMNS], the same of the columns
export const COLUMN_MASKS: usize = 18176; // COLUMN_MASK[MAX_SPEC_COLUMNS]
export const SHA_CONSTANTS: usize = 19200; // u32[64], of the rounds of SHA-256
export const SHA_START: usize = 19456; // u32[8], its first state
export const SHA_WORDS: usize = 19520; // u32[256], of the rounds, four blocks side by side
export const SHA_BLOCKS: usize = 20544; // u8[256], four blocks of texts, one after the other
export const SHA_STATES: usize = 20800; // u32[32], four states side by side
export const HMAC_INNER: usize = 20928; // u32[8], the state after the inner key
export const HMAC_OUTER: usize = 20992; // u32[8], the state after the outer key
export const PENDING_MASKS: usize = 21056; // PENDING_MASK[4]
export const NUMERATOR: usize = 21120; // BIG, of a double that is a quotient
export const DENOMINATOR: usize = 21568; // BIG
export const NODES: usize = 22016; // NODE[], followed by what the host lays out
