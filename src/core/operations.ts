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
