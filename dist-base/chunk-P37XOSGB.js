import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  literal,
  rowsOf
} from "./chunk-XA52K7QX.js";
import {
  SluiceError,
  isLocked
} from "./chunk-OOJGYMCI.js";

// src/sinks/duckdb/old-database.ts
var OLD = "old_database";
async function attachOld(connection, path) {
  try {
    await connection.run(`ATTACH ${literal(path)} AS ${OLD}`);
    await connection.run(`CHECKPOINT ${OLD}`);
    return await readOld(connection);
  } catch (thrown) {
    if (isLocked(thrown)) {
      throw new SluiceError("SLUICE_LOCKED", `${path} is held by another process: stop it`, { cause: thrown });
    }
    return void 0;
  }
}
async function readOld(connection) {
  const [meta] = await rowsOf(connection, `FROM ${OLD}.sluice.meta`);
  if (meta === void 0) return void 0;
  const format = Number(meta.format_version);
  const spec = JSON.parse(String(meta.spec));
  const batches = await rowsOf(
    connection,
    `SELECT partition_id, start_offset, next_offset, file FROM ${OLD}.sluice.batches ORDER BY ALL`
  );
  const starts = await rowsOf(
    connection,
    format < 2 ? `SELECT partition_id, min(start_offset) AS first_offset, 'unknown' AS start_reason
         FROM ${OLD}.sluice.batches GROUP BY ALL` : `SELECT partition_id, first_offset, start_reason FROM ${OLD}.sluice.positions`
  );
  const bits = format < 2 ? [] : await rowsOf(connection, `SELECT name, issue_bit FROM ${OLD}.sluice.columns`);
  return {
    topic: String(meta.topic),
    spec,
    createdFormat: Number(meta.created_format ?? format),
    clusterId: meta.cluster_id ?? void 0,
    topicId: meta.topic_id ?? void 0,
    // In format 1 a column's bit was its place in the spec.
    bits: format < 2 ? spec.columns.map(({ name }, bit) => [name, bit]) : bits.map(({ name, issue_bit }) => [String(name), Number(issue_bit)]),
    starts: new Map(
      starts.map(({ partition_id, first_offset, start_reason }) => [
        Number(partition_id),
        { first: Number(first_offset), reason: String(start_reason) }
      ])
    ),
    batches: batches.map(({ partition_id, start_offset, next_offset, file }) => ({
      partition: Number(partition_id),
      start: Number(start_offset),
      next: Number(next_offset),
      file: file ?? void 0
    }))
  };
}

export {
  OLD,
  attachOld
};
//# sourceMappingURL=chunk-P37XOSGB.js.map
