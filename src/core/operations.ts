/** Values of `operation` that the capture writes and the view of the newest state interprets. */
export const OPERATION = {
  delete: 'delete',
  /** An update whose document was gone before it could be looked up: the delete that follows has the last word. */
  vanished: 'vanished',
  /** A document that a snapshot found. */
  snapshot: 'snapshot',
  /** Markers, one of each in every partition: they are no changes, and counted apart. */
  snapshotBegin: 'snapshot_begin',
  snapshotEnd: 'snapshot_end',
} as const;

/** What a spec can make of a topic's own words: all but the markers, which mean nothing without those of a capture. */
export const MAPPED_OPERATIONS = [
  'insert',
  'update',
  'replace',
  OPERATION.delete,
  OPERATION.vanished,
  OPERATION.snapshot,
] as const;
export type MappedOperation = (typeof MAPPED_OPERATIONS)[number];
