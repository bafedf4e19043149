import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/core/operations.ts
var OPERATION = {
  delete: "delete",
  /** An update whose document was gone before it could be looked up: the delete that follows has the last word. */
  vanished: "vanished",
  /** A document that a snapshot found. */
  snapshot: "snapshot",
  /** Markers, one of each in every partition. */
  snapshotBegin: "snapshot_begin",
  snapshotEnd: "snapshot_end"
};

export {
  OPERATION
};
//# sourceMappingURL=chunk-Y3JUF4HW.js.map
