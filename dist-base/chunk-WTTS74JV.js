import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/kernel/abi.ts
var ABI_VERSION = 173482142;
var BLOCK_ROWS = 64;
var ROW_CONTEXTS = 65;
var GENERAL_CONTEXT = 64;
var CONTEXT_EXTRAS = 256;
var MAX_SPEC_COLUMNS = 64;
var MAX_ARROW_COLUMNS = 136;
var MAX_NESTING = 1024;
var TRACKED_NODES = 64;
var MAX_STATES = 512;
var MAX_SCOPES = 256;
var MAX_TRANSITIONS = 8;
var MAX_LITERAL = 64;
var MAX_ACTIONS = 6;
var SPARE_BYTES = 64;
var NO_SLOT = 4294967295;
var NODE_TARGET = 2147483648;
var STATUS = {
  ok: 0,
  tombstone: 1,
  malformed: 2,
  not_object: 3,
  missing_required: 4
};
var KIND = {
  missing: 0,
  null: 1,
  string: 2,
  escaped: 3,
  number: 4,
  true: 5,
  false: 6,
  object: 7,
  array: 8
};
var OPERATION = {
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
  date: 15
};
var COLUMN = {
  operation: 0,
  // u32, of OPERATION
  slot: 4,
  // u32, its spec column
  bytesUsed: 8,
  // u32, bytes of text so far
  data: 12,
  // u32, address
  offsets: 16,
  // u32, address, 0 if it is no text
  validity: 20,
  // u32, address, 0 if it is never null
  nulls: 24,
  // u32, how many so far
  isBits: 28,
  // u32, 1 if its data are a bit per row
  size: 32
};
var SPEC_COLUMN = {
  issueBit: 0,
  // u8, its bit in the column `issues`
  takesIntegers: 1,
  // u8, 1 if it takes integers as text
  hasRaw: 2,
  // u8, 1 if a raw column has what it cannot take
  unitMicroseconds: 4,
  // u32, of its unit of time; 0 for nanoseconds
  key: 8,
  // u32, record of its key
  size: 16
};
var NODE = {
  keys: 0,
  // u32, record of its first key
  keyCount: 4,
  // u32
  parent: 8,
  // u32, record
  rowKeys: 12,
  // u32, NODE_KEYS: its own key as the rows have it
  firstExtra: 16,
  // u32, extras of the general path from inside of it: the first
  endExtra: 20,
  // u32, and the one after the last
  rowStamp: 24,
  // u32, of the row of the general path that had it last
  depth: 28,
  // u32, objects around it
  leaves: 32,
  // u64, a bit per spec column below it
  size: 64
};
var KEY = {
  address: 0,
  // u32, of its bytes
  length: 4,
  // u32
  target: 8,
  // u32, a spec column, or a node with NODE_TARGET set
  size: 16
};
var SPAN = {
  start: 0,
  // u32, address
  end: 4,
  // u32
  size: 8
};
var NODE_KEYS = {
  spans: 0,
  // SPAN[ROW_CONTEXTS]
  size: 520
};
var SLOT = {
  start: 0,
  // u32, address
  end: 4,
  // u32
  size: 8
};
var SLOTS = {
  spans: 0,
  // SLOT[BLOCK_ROWS]
  kinds: 512,
  // u8[BLOCK_ROWS], of KIND
  size: 576
};
var CURSOR = {
  next: 0,
  // u32, address of what is read next
  end: 4,
  // u32, of the row
  size: 8
};
var EXTRA = {
  node: 0,
  // u32, record of the object that it is in
  keyStart: 4,
  // u32
  keyEnd: 8,
  // u32
  start: 12,
  // u32, of its value
  end: 16,
  // u32, 0 if it was replaced later
  size: 20
};
var REJECT = {
  row: 0,
  // u32, of the chunk
  status: 4,
  // u32, of STATUS
  position: 8,
  // i32, byte of the value; of missing_required the spec column
  size: 12
};
var IDENTITY = {
  scope: 0,
  // u32, around it
  role: 4,
  // u32, what it is for
  keyHash: 8,
  // u32
  size: 12
};
var STATE = {
  identity: 0,
  // IDENTITY
  transitionCount: 12,
  // u16
  oldest: 14,
  // u16, the transition to replace next
  size: 16
};
var SCOPE = {
  identity: 0,
  // IDENTITY
  size: 16
};
var ACTION = {
  operation: 0,
  // u32
  subject: 4,
  // u32
  a: 8,
  // u32, place
  b: 12,
  // u32, place
  c: 16,
  // u32, place
  size: 20
};
var TRANSITION = {
  literal: 0,
  // u8[MAX_LITERAL]
  length: 64,
  // u32, of the literal; 0 if the transition is not in use
  anyBytes: 68,
  // u32, which of its first 16 bytes do not matter, and all bits above
  next: 72,
  // u32, TRANSITIONS of the next state, or END
  nextSlots: 76,
  // u32, SLOTS of the next scalar
  actionCount: 80,
  // u32
  nextIsString: 84,
  // u32
  newNodes: 88,
  // u64, a bit per mapped object that the row enters
  actions: 96,
  // ACTION[MAX_ACTIONS]
  size: 256
};
var TRANSITIONS = {
  all: 0,
  // TRANSITION[MAX_TRANSITIONS]
  size: 2048
};
var GRAPH = {
  stateCount: 0,
  // u32
  scopeCount: 4,
  // u32
  pendingActions: 8,
  // ACTION[MAX_ACTIONS], of a literal that is not complete
  spare: 128,
  // TRANSITION, to swap two
  states: 384,
  // STATE[MAX_STATES]
  scopes: 8576,
  // SCOPE[MAX_SCOPES]
  waiting: 12672,
  // u64[MAX_STATES], a bit per row of the block that waits in the state
  waitingStates: 16768,
  // u64[8], a bit per state: whether rows wait in it
  transitions: 16832,
  // TRANSITIONS[MAX_STATES]
  size: 1065408
};
var HEADER = {
  values: 64,
  // u32, where the value at offset 0 is
  valueOffsets: 68,
  // u32, address
  valueValidity: 72,
  // u32, address
  kafkaOffsets: 76,
  // u32, address
  timestamps: 80,
  // u32, address
  extras: 84,
  // u32, address of EXTRA[]
  scratch: 88,
  // u32, address; room for a decoded string
  rejects: 92,
  // u32, address of REJECT[]
  specColumnCount: 96,
  // u32, how many
  arrowColumnCount: 100,
  // u32, how many
  rowCapacity: 104,
  // u32, rows of a batch
  partition: 108,
  // i32
  changeIdSlot: 112,
  // u32, the spec column in the role of change_id
  amountSlot: 116,
  // u32, of amount, or NO_SLOT
  eventTimeSlot: 120,
  // u32, of event_time, or NO_SLOT
  required: 128,
  // u64, a bit per spec column
  highValueThreshold: 136,
  // i64, scaled by 10^4
  lateAfter: 144,
  // i64, microseconds
  slots: 152,
  // u32, address of SLOTS[], one per spec column and one to ignore
  graph: 156,
  // u32, address of GRAPH
  learning: 160,
  // u32, 1 if rows may take the speculative path
  validityShift: 164,
  // u32, the chunk's first bit in valueValidity
  extraColumn: 168,
  // u32, the record of the column of extras
  end: 172
};
var RESULTS = {
  rows: 192,
  // u32
  rejectCount: 196,
  // u32
  rowsLate: 200,
  // u32
  rowsWithIssues: 204,
  // u32
  rowsHighValue: 208,
  // u32
  maxEventTime: 216,
  // i64, microseconds, the lowest number there is if no row has one
  minChangeSeq: 224,
  // u64
  maxChangeSeq: 232,
  // u64
  statusCounts: 240,
  // u32[STATUS]
  rowsLearned: 260,
  // u32
  end: 264
};
var ISSUE_BITS = 320;
var MESSAGES = 832;
var LOST_ROWS = 1088;
var DEFERRED_ROWS = 1152;
var OPAQUE = 1216;
var COLUMNS = 1280;
var NESTING = 5632;
var KEYS_FOUND = 6656;
var CURSORS = 7168;
var EXTRA_COUNTS = 7680;
var NODE_ROWS = 8e3;
var UNREAD = 8512;
var SPEC_COLUMNS = 9024;
var NODES = 10048;

export {
  ABI_VERSION,
  BLOCK_ROWS,
  ROW_CONTEXTS,
  GENERAL_CONTEXT,
  CONTEXT_EXTRAS,
  MAX_SPEC_COLUMNS,
  MAX_ARROW_COLUMNS,
  MAX_NESTING,
  TRACKED_NODES,
  MAX_STATES,
  MAX_SCOPES,
  MAX_TRANSITIONS,
  MAX_LITERAL,
  MAX_ACTIONS,
  SPARE_BYTES,
  NO_SLOT,
  NODE_TARGET,
  STATUS,
  KIND,
  OPERATION,
  COLUMN,
  SPEC_COLUMN,
  NODE,
  KEY,
  SPAN,
  NODE_KEYS,
  SLOT,
  SLOTS,
  CURSOR,
  EXTRA,
  REJECT,
  IDENTITY,
  STATE,
  SCOPE,
  ACTION,
  TRANSITION,
  TRANSITIONS,
  GRAPH,
  HEADER,
  RESULTS,
  ISSUE_BITS,
  MESSAGES,
  LOST_ROWS,
  DEFERRED_ROWS,
  OPAQUE,
  COLUMNS,
  NESTING,
  KEYS_FOUND,
  CURSORS,
  EXTRA_COUNTS,
  NODE_ROWS,
  UNREAD,
  SPEC_COLUMNS,
  NODES
};
//# sourceMappingURL=chunk-WTTS74JV.js.map
