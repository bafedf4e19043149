import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  refuseEffects
} from "./chunk-4J46FUJU.js";
import {
  rawValue,
  shownValue
} from "./chunk-4RNLI5IY.js";
import {
  checkTimeZone
} from "./chunk-WX4LE7JX.js";
import {
  literal
} from "./chunk-XA52K7QX.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/query/read-only.ts
var BLOCK_CHARACTERS = 1 << 20;
async function readOnlyRows(connection, sql, { timeZone = "UTC" } = {}) {
  checkTimeZone(timeZone);
  try {
    await connection.run(`SET TimeZone = ${literal(timeZone)}`);
    await connection.run("BEGIN TRANSACTION READ ONLY");
    await refuseEffects(connection, sql);
    const result = await connection.stream(sql);
    return {
      columns: result.deduplicatedColumnNames(),
      types: result.columnTypesJson(),
      timeZone,
      batches: blocksOf(result)
    };
  } catch (cause) {
    throw queryError(cause);
  }
}
async function* shownRows({ types, timeZone, batches }, { wideNumbers }) {
  const display = { timeZone, wideNumbers };
  for await (const rows of batches) {
    yield rows.map((row) => row.map((value, index) => shownValue(types[index], value, display)));
  }
}
async function* blocksOf(result) {
  try {
    for await (const chunk of result) {
      const columns = Array.from({ length: chunk.columnCount }, (_, index) => chunk.getColumnVector(index));
      let block = [];
      let characters = 0;
      for (let row = 0; row < chunk.rowCount; row++) {
        const values = columns.map((column) => rawValue(column.getItem(row)));
        for (const value of values) characters += sizeOf(value);
        block.push(values);
        if (characters < BLOCK_CHARACTERS) continue;
        yield block;
        block = [];
        characters = 0;
      }
      if (block.length > 0) yield block;
    }
  } catch (cause) {
    throw queryError(cause);
  }
}
function sizeOf(value) {
  if (typeof value === "string") return value.length;
  if (!Array.isArray(value)) return 8;
  let size = 0;
  for (const part of value) size += sizeOf(part);
  return size;
}
function queryError(cause) {
  if (cause instanceof SluiceError) return cause;
  return new SluiceError("SLUICE_QUERY", cause.message, { cause });
}

export {
  readOnlyRows,
  shownRows
};
//# sourceMappingURL=chunk-BD3RWV2C.js.map
