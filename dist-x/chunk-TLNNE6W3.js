import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/kernel/column-layout.ts
var COLUMN_LAYOUTS = {
  utf8: { rowBytes: 4, view: (buffer, at, _, textBytes) => new Uint8Array(buffer, at, textBytes) },
  decimal18_4: { rowBytes: 16, view: (buffer, at, rows) => new Uint32Array(buffer, at, rows * 4) },
  timestamp_us_utc: { rowBytes: 8, view: (buffer, at, rows) => new BigInt64Array(buffer, at, rows) },
  date32: { rowBytes: 4, view: (buffer, at, rows) => new Int32Array(buffer, at, rows) },
  int64: { rowBytes: 8, view: (buffer, at, rows) => new BigInt64Array(buffer, at, rows) },
  uint64: { rowBytes: 8, view: (buffer, at, rows) => new BigUint64Array(buffer, at, rows) },
  int32: { rowBytes: 4, view: (buffer, at, rows) => new Int32Array(buffer, at, rows) },
  bool: { rowBytes: 1 / 8, view: (buffer, at, rows) => new Uint8Array(buffer, at, rows + 7 >> 3) }
};

export {
  COLUMN_LAYOUTS
};
//# sourceMappingURL=chunk-TLNNE6W3.js.map
