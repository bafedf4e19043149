// Made by scripts/abi.mjs from kernels/abi.json: change that, and run `npm run build:abi`.

export const ABI_VERSION = 2531662350; // Of all that follows: a build from other names or numbers has another one.
export const BLOCK_ROWS = 64; // Rows that are read before the columns take them over.
/** What is known of a row while it is read: one for each row of the block, and the general path's. */
export const ROW_CONTEXTS = 65;
export const GENERAL_CONTEXT = 64; // The row context of the general path, after those of the block's rows.
/** Extras that a row of the block can have; the general path has room for all that a chunk can hold. */
export const CONTEXT_EXTRAS = 256;
export const MAX_SPEC_COLUMNS = 64; // Columns that a spec can have: a bit each in 64.
/** Columns of the output: those of the spec, a raw column for each, and eight derived ones. */
export const MAX_ARROW_COLUMNS = 136;
export const MAX_NESTING = 1024; // Open containers of a value that is skipped, those around it included.
export const TRACKED_NODES = 64; // Mapped objects that the speculative path can enter: a bit each.
export const MAX_STATES = 512; // States of the learned graph.
export const MAX_SCOPES = 256; // Scopes in the learned graph.
export const MAX_TRANSITIONS = 8; // Transitions of one state.
export const MAX_LITERAL = 64; // Bytes of a transition's literal.
export const MAX_ACTIONS = 6; // Actions of a transition.
/** After each region that the host lays out: reads and copies go by 16 or 32 bytes and may overrun. */
export const SPARE_BYTES = 64;
export const NO_SLOT = 4294967295; // In place of a column's number: no column has the role.
export const NODE_TARGET = 2147483648; // Set in the target of a key that leads to a node, and not to a slot.
export const KEPT_TARGET = 4294967293; // Target of a key that is an extra even in an object that is ignored.
export const IGNORED_TARGET = 4294967294; // Target of a key that is only checked.
export const ROW_SPARE_BYTES = 64; // Between the decoded strings of one row and those of the next.
export const KEY_EXTRA_BYTES = 24; // What the extras of a row can have beyond the bytes of its value and its key.
export const HMAC_TEXT = 32; // Bytes of a masked text: the first half of an HMAC-SHA-256 in hexadecimal digits.
export const HMAC_SHORT = 55; // Bytes of a text that takes one block of SHA-256 with what is added to it.
export const HMAC_CACHE = 1024; // Texts whose masks are remembered.
export const MAX_LIMBS = 96; // 32-bit digits of an integer of any length: 801 decimal digits have 84.
/** How many bytes a byte of JSON can become at most: `"":0` is a masked text of 37 with its comma. */
export const MASK_TIMES = 8;

/** What became of a message. */
export const STATUS = {
  ok: 0,
  tombstone: 1,
  malformed: 2,
  not_object: 3,
  missing_required: 4,
  expectation: 5,
} as const;

/** What is in a slot; strings as they are, and with escapes. */
export const KIND = {
  missing: 0,
  null: 1,
  string: 2,
  escaped: 3,
  number: 4,
  true: 5,
  false: 6,
  object: 7,
  array: 8,
} as const;

/** What fills a column: a kind of the spec, or the name of a derived column. `extra` has no loop over the block. */
export const OPERATION = {
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
  mapped: 16,
  masked_text: 17,
  masked_json: 18,
  masked_raw: 19,
  double: 20,
  decimal: 21,
  uuid: 22,
  binary: 23,
} as const;

/** What is expected of the values of a column. */
export const TEST = {
  not_null: 0,
  range: 1,
  length: 2,
  automaton: 3,
} as const;

/** What a mask is. `inner`: only members have one; `paths`: by dotted paths; `around`: what is no object stays. */
export const MASK = {
  inner: 0,
  hmac: 1,
  redact: 2,
  partial: 3,
  drop: 4,
  truncate: 5,
  paths: 6,
  around: 7,
} as const;

/** What a masked time is the start of; `none` is for numbers. */
export const PERIOD = {
  none: 0,
  hour: 1,
  day: 2,
  month: 3,
  year: 4,
} as const;

/** A column of the output. */
export const COLUMN = {
  operation: 0, // u32, of OPERATION
  slot: 4, // u32, its spec column
  bytesUsed: 8, // u32, bytes of text so far
  data: 12, // u32, address
  offsets: 16, // u32, address, 0 if it is no text
  validity: 20, // u32, address, 0 if it is never null
  nulls: 24, // u32, how many so far
  isBits: 28, // u32, 1 if its data are a bit per row
  size: 32,
} as const;

/** A column of the spec; after them the further alternatives, which have a slot and a key each. */
export const SPEC_COLUMN = {
  issueBit: 0, // u8, its bit in the column `issues`
  takesIntegers: 1, // u8, 1 if it takes integers as text
  hasRaw: 2, // u8, 1 if a raw column has what it cannot take
  column: 3, // u8, of a further alternative the column that it is one of
  isBase64: 4, // u8, 1 if its texts are the bytes of an integer
  scale: 5, // u8, decimals of that integer, or of the column
  precision: 6, // u8, digits of a decimal
  key: 8, // u32, record of its key
  unitMicroseconds: 16, // i64, of its unit of time; 0 for nanoseconds
  size: 24,
} as const;

/** A word of the topic for an operation, and ours. */
export const WORD = {
  from: 0, // u32, address
  fromLength: 4, // u32; of what stands for a tombstone no length that a text has
  to: 8, // u32, address
  toLength: 12, // u32
  size: 16,
} as const;

/** A mapped object in the tree of the spec's paths. */
export const NODE = {
  keys: 0, // u32, record of its first key
  keyCount: 4, // u32
  parent: 8, // u32, record
  rowKeys: 12, // u32, NODE_KEYS: its own key as the rows have it
  firstExtra: 16, // u32, extras of the general path from inside of it: the first
  endExtra: 20, // u32, and the one after the last
  rowStamp: 24, // u32, of the row of the general path that had it last
  depth: 28, // u32, objects around it
  leaves: 32, // u64, a bit per slot below it
  content: 40, // u32, address: of an embedded one, the text that it was decoded to last
  contentEnd: 44, // u32
  isEmbedded: 48, // u8, 1 if a string is read as the JSON that it holds
  isIgnored: 49, // u8, 1 if its other members are no extras
  isTombstone: 50, // u8, 1 if the message is a tombstone when it is null
  size: 64,
} as const;

/** A mapped key, grouped by node. */
export const KEY = {
  address: 0, // u32, of its bytes
  length: 4, // u32
  target: 8, // u32, a slot, a node with NODE_TARGET set, KEPT_TARGET or IGNORED_TARGET
  size: 16,
} as const;

/** Bytes of the input. */
export const SPAN = {
  start: 0, // u32, address
  end: 4, // u32
  size: 8,
} as const;

/** A node's key as the rows have it, without quotes. */
export const NODE_KEYS = {
  spans: 0, // SPAN[ROW_CONTEXTS]
  size: 520,
} as const;

/** Where a row has the value of a spec column; strings are without their quotes. */
export const SLOT = {
  start: 0, // u32, address
  end: 4, // u32
  size: 8,
} as const;

/** A spec column in all rows of the block. */
export const SLOTS = {
  spans: 0, // SLOT[BLOCK_ROWS]
  kinds: 512, // u8[BLOCK_ROWS], of KIND
  size: 576,
} as const;

/** How far a row of the block is read; the speculative path reads it as a slot as well. */
export const CURSOR = {
  next: 0, // u32, address of what is read next
  end: 4, // u32, of the row
  size: 8,
} as const;

/** What is around the embedded text in which a row of the block is read. */
export const OUTER = {
  next: 0, // u32, address of what is read after it
  end: 4, // u32, of the row
  arena: 8, // u32, address of the next text that is decoded
  size: 16,
} as const;

/** A field that the spec does not map; keys are without quotes. */
export const EXTRA = {
  node: 0, // u32, record of the object that it is in
  keyStart: 4, // u32
  keyEnd: 8, // u32
  start: 12, // u32, of its value
  end: 16, // u32, 0 if it was replaced later
  size: 20,
} as const;

/** A message that is no row. */
export const REJECT = {
  row: 0, // u32, of the chunk
  status: 4, // u32, of STATUS
  position: 8, // i32, byte of the value; of missing_required the spec column, of expectation the check
  size: 12,
} as const;

/** What tells a state or a scope of the learned graph apart. */
export const IDENTITY = {
  scope: 0, // u32, around it
  role: 4, // u32, what it is for
  keyHash: 8, // u32
  size: 12,
} as const;

/** A state of the learned graph. */
export const STATE = {
  identity: 0, // IDENTITY
  transitionCount: 12, // u16
  oldest: 14, // u16, the transition to replace next
  size: 16,
} as const;

/** The containers that are open: the innermost one, and the scope around it. */
export const SCOPE = {
  identity: 0, // IDENTITY
  size: 16,
} as const;

/** What a literal does besides leading to a scalar. Places are bytes from the start of the literal. */
export const ACTION = {
  operation: 0, // u32
  subject: 4, // u32
  a: 8, // u32, place
  b: 12, // u32, place
  c: 16, // u32, place
  size: 20,
} as const;

/** A literal that leads from one state to the next. */
export const TRANSITION = {
  literal: 0, // u8[MAX_LITERAL]
  length: 64, // u32, of the literal; 0 if the transition is not in use
  anyBytes: 68, // u32, which of its first 16 bytes do not matter, and all bits above
  next: 72, // u32, TRANSITIONS of the next state, or END
  nextSlots: 76, // u32, SLOTS of the next scalar
  actionCount: 80, // u32
  leadsTo: 84, // u32, what comes after the literal (graph.ts)
  newNodes: 88, // u64, a bit per mapped object that the row enters
  actions: 96, // ACTION[MAX_ACTIONS]
  valid: 216, // u32, address: of an ignored value, the one that was found to be valid last
  validEnd: 220, // u32
  validChunk: 224, // u32, in which chunk
  depth: 228, // u32, of an ignored value, the containers that are open around it in its text
  size: 256,
} as const;

/** The transitions of one state, the longest literal first: what is a prefix of another is tried after it. */
export const TRANSITIONS = {
  all: 0, // TRANSITION[MAX_TRANSITIONS]
  size: 2048,
} as const;

/** The learned graph. */
export const GRAPH = {
  stateCount: 0, // u32
  scopeCount: 4, // u32
  pendingActions: 8, // ACTION[MAX_ACTIONS], of a literal that is not complete
  spare: 128, // TRANSITION, to swap two
  states: 384, // STATE[MAX_STATES]
  scopes: 8576, // SCOPE[MAX_SCOPES]
  waiting: 12672, // u64[MAX_STATES], a bit per row of the block that waits in the state
  waitingStates: 16768, // u64[8], a bit per state: whether rows wait in it
  transitions: 16832, // TRANSITIONS[MAX_STATES]
  size: 1065408,
} as const;

/** An expectation of the values of a column; those that quarantine come first. */
export const CHECK = {
  test: 0, // u32, of TEST
  column: 4, // u32, record of the column
  low: 8, // i64, the lowest number or length
  high: 16, // i64, the highest
  width: 24, // u32, bytes of a number
  automaton: 28, // u32, record
  failed: 32, // u32, rows so far that failed it; of one that quarantines none
  first: 36, // u32, the first of them
  size: 40,
} as const;

/** Which texts are expected. After it u16[], the next state by state and class of the next byte. */
export const AUTOMATON = {
  classOf: 0, // u8[256], of a byte
  start: 256, // u32, the state before the first byte
  accepting: 260, // u32, the first of the states that accept
  size: 264,
} as const;

/** A value with a mask, or an object with such values inside of it; arrays around them do not count. */
export const MASK_NODE = {
  mask: 0, // u32, of MASK
  keep: 4, // u32, characters that stay at the end of a text; of `partial`
  keys: 8, // u32, record of its first MASK_KEY
  keyCount: 12, // u32
  size: 16,
} as const;

/** A member of an object that has a mask, or has one inside of it. */
export const MASK_KEY = {
  address: 0, // u32, of its bytes
  length: 4, // u32
  node: 8, // u32, MASK_NODE
  size: 16,
} as const;

/** The mask of a spec column. */
export const COLUMN_MASK = {
  node: 0, // u32, MASK_NODE; 0 if the column has no mask
  period: 4, // u32, of PERIOD, of a time that is truncated
  multiple: 8, // i64, of which a truncated number is a multiple; amounts scaled by 10^4; 0 if it is none
  size: 16,
} as const;

/** A short text and its HMAC. */
export const CACHED_MASK = {
  length: 0, // u32, of the text and one more; 0 if there is none
  text: 4, // u8[56]
  mask: 60, // u8[HMAC_TEXT]
  size: 128,
} as const;

/** An integer of any length, not below 0. */
export const BIG = {
  count: 0, // u32, of its limbs
  limbs: 4, // u32[MAX_LIMBS], the lowest first, the highest not 0
  size: 388,
} as const;

/** A short text whose HMAC is not computed yet, in a block of SHA-256. */
export const PENDING_MASK = {
  to: 0, // u32, address of where its mask goes
  entry: 4, // u32, CACHED_MASK
  length: 8, // u32
  size: 12,
} as const;

/** What the host writes. Addresses of regions that it lays out, and numbers. */
export const HEADER = {
  values: 64, // u32, where the value at offset 0 is
  valueOffsets: 68, // u32, address
  valueValidity: 72, // u32, address
  kafkaOffsets: 76, // u32, address
  timestamps: 80, // u32, address
  extras: 84, // u32, address of EXTRA[]
  scratch: 88, // u32, address; room for a decoded string
  rejects: 92, // u32, address of REJECT[]
  specColumnCount: 96, // u32, how many
  arrowColumnCount: 100, // u32, how many
  rowCapacity: 104, // u32, rows of a batch
  partition: 108, // i32
  changeIdSlot: 112, // u32, the spec column in the role of change_id, or NO_SLOT
  amountSlot: 116, // u32, of amount, or NO_SLOT
  eventTimeSlot: 120, // u32, of event_time, or NO_SLOT
  required: 128, // u64, a bit per spec column
  highValueThreshold: 136, // i64, scaled by 10^4
  lateAfter: 144, // i64, microseconds
  slots: 152, // u32, address of SLOTS[], one per path of a spec column and one to ignore
  slotCount: 156, // u32, without the one to ignore: of the columns, and after them of further alternatives
  graph: 160, // u32, address of GRAPH
  learning: 164, // u32, 1 if rows may take the speculative path
  validityShift: 168, // u32, the chunk's first bit in valueValidity
  extraColumn: 172, // u32, the record of the column of extras
  words: 176, // u32, address of WORD[]
  wordCount: 180, // u32, how many
  keyNode: 184, // u32, the node that the message's key is; 0 if the spec does not read the key
  wholeKey: 188, // u32, KEY that leads to the slot of all of the key; 0 if the spec has none
  wholeKeyIsText: 192, // u32, 1 if that is no JSON
  keys: 196, // u32, where the key at offset 0 is
  keyOffsets: 200, // u32, address
  keyValidity: 204, // u32, address
  tombstones: 208, // u32, 1 if messages without a value are rows
  tombstoneSlot: 212, // u32, the spec column that says so of these rows
  tombstoneKind: 216, // u32, of KIND, what is in that slot
  tombstoneStart: 220, // u32, address of what is in that slot
  tombstoneEnd: 224, // u32
  arena: 228, // u32, address; room for the decoded strings of a block; 0 if the spec has no embedded JSON
  arenaTimes: 232, // u32, how much of it a byte of a message takes: strings in strings that are embedded
  checks: 236, // u32, address of CHECK[]
  checkCount: 240, // u32, how many
  quarantineChecks: 244, // u32, how many of them quarantine, which are the first
  maskRoot: 248, // u32, MASK_NODE of the message; 0 if the spec has no masks
  hiddenMask: 252, // u32, MASK_NODE of what a dotted path leads to that may mean several fields with masks
  maskKey: 256, // u32, address of the key of HMACs, of 64 bytes; 0 if the spec has none
  maskCache: 260, // u32, address of CACHED_MASK[HMAC_CACHE]
  unmasked: 264, // u32, address; room for the extras of a row before they are masked
  end: 268,
} as const;

/** What the kernel writes, for the batch so far; `rejectCount` is of the chunk. */
export const RESULTS = {
  rows: 320, // u32
  rejectCount: 324, // u32
  rowsLate: 328, // u32
  rowsWithIssues: 332, // u32
  rowsHighValue: 336, // u32
  maxEventTime: 344, // i64, microseconds, the lowest number there is if no row has one
  minChangeSeq: 352, // u64
  maxChangeSeq: 360, // u64
  statusCounts: 368, // u32[STATUS]
  rowsLearned: 392, // u32
  end: 396,
} as const;

export const ISSUE_BITS = 448; // u64[BLOCK_ROWS], the column `issues` of each row of the block
export const MESSAGES = 960; // u32[BLOCK_ROWS], which message of the chunk each row of the block was
export const LOST_ROWS = 1216; // u64, rows that a loop leaves out
export const DEFERRED_ROWS = 1280; // u64, rows that a loop leaves to a slower one
export const COMPACTIONS = 1344; // u64[256], for each set of 8 bytes to leave out, a bit each, the places of all others
export const OPAQUE = 3392; // u8[16], a constant on its way into a register
export const COLUMNS = 3456; // COLUMN[MAX_ARROW_COLUMNS]
export const NESTING = 7808; // u8[MAX_NESTING], per open container whether the one around it is an object
/** u16[256], the key that was found last by its hash, in records from the first node's on */
export const KEYS_FOUND = 8832;
export const CURSORS = 9344; // CURSOR[BLOCK_ROWS]
export const OUTERS = 9856; // OUTER[BLOCK_ROWS]
export const EXTRA_COUNTS = 10880; // u32[ROW_CONTEXTS], how many extras each row context has
export const NODE_ROWS = 11200; // u64[TRACKED_NODES], a bit per row of the block that has entered the mapped object
export const UNREAD = 11712; // u64[BLOCK_ROWS], a bit per spec column that could not take the row's value
export const SPEC_COLUMNS = 12224; // SPEC_COLUMN[MAX_SPEC_COLUMNS]
/** u8[64], the counters of RESULTS that a block's columns change, as they were before it */
export const SAVED_RESULTS = 13760;
export const SAVED_COLUMNS = 13824; // COLUMN[MAX_ARROW_COLUMNS], the same of the columns
export const COLUMN_MASKS = 18176; // COLUMN_MASK[MAX_SPEC_COLUMNS]
export const SHA_CONSTANTS = 19200; // u32[64], of the rounds of SHA-256
export const SHA_START = 19456; // u32[8], its first state
export const SHA_WORDS = 19520; // u32[256], of the rounds, four blocks side by side
export const SHA_BLOCKS = 20544; // u8[256], four blocks of texts, one after the other
export const SHA_STATES = 20800; // u32[32], four states side by side
export const HMAC_INNER = 20928; // u32[8], the state after the inner key
export const HMAC_OUTER = 20992; // u32[8], the state after the outer key
export const PENDING_MASKS = 21056; // PENDING_MASK[4]
export const NUMERATOR = 21120; // BIG, of a double that is a quotient
export const DENOMINATOR = 21568; // BIG
export const NODES = 22016; // NODE[], followed by what the host lays out
