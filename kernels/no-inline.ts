/**
 * Loops over a block, exported for the compiler only: it makes a function with one caller part of the caller, and would
 * make one function of all columns, in which nothing stays in registers. The host calls none of them.
 */
export { appendBinary, appendUuids } from './binary';
export { rowsNotAccepted, rowsOfOtherLength, rowsOutOfRange } from './checks';
export { appendBooleans, appendJson, appendMapped, appendRaw, appendText } from './columns';
export {
  appendChangeSeq,
  appendHighValue,
  appendIssues,
  appendKafkaTimestamps,
  appendLate,
  appendOffsets,
  appendPartition,
} from './derived';
export { appendMaskedJson, appendMaskedRaw, appendMaskedText } from './masks';
export { appendAmounts, appendDates, appendDecimals, appendDoubles, appendIntegers, appendTimestamps } from './numbers';
export { compress } from './sha256';
export { keepUnread } from './unread';
