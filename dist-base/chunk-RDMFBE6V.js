import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  rowsOf
} from "./chunk-XA52K7QX.js";
import {
  combineStats
} from "./chunk-35ENZBND.js";
import {
  assert
} from "./chunk-OOJGYMCI.js";

// src/sinks/duckdb/duplicates.ts
var NO_SEQUENCE = 0n;
var tables = 0;
async function insertNew(connection, log, relation, batches) {
  const repeated = /* @__PURE__ */ new Map();
  if (batches.some(({ stats }) => stats.ok > 0)) {
    const table = `temp.duplicates_${tables++}`;
    const duplicates = await findDuplicates(connection, log, relation, batches, table);
    for (const { batch, rows } of duplicates) repeated.set(batch, rows);
    const but = duplicates.length === 0 ? "" : `ANTI JOIN ${table} USING (kafka_partition, kafka_offset)`;
    await connection.run(`INSERT INTO ${log.table} BY NAME FROM ${relation} ${but}`);
    await connection.run(`DROP TABLE ${table}`);
  }
  return batches.map((batch, index) => {
    const duplicate = repeated.get(index) ?? 0;
    return { ...batch, stats: { ...batch.stats, merged: batch.stats.ok - duplicate, duplicate } };
  });
}
async function findDuplicates(connection, log, relation, batches, table) {
  const { minChangeSeq: lowest, maxChangeSeq: highest } = combineStats(batches.map(({ stats }) => stats));
  assert(lowest !== void 0 && highest !== void 0, "there are rows");
  const group = lowest === NO_SEQUENCE ? log.changeId : "change_seq";
  await connection.run(
    `CREATE TEMP TABLE ${table} AS SELECT kafka_partition, kafka_offset FROM (
       SELECT kafka_partition, kafka_offset,
         row_number() OVER (PARTITION BY ${log.changeId} ORDER BY kafka_partition, kafka_offset) AS nth
       FROM ${relation}
       SEMI JOIN (SELECT ${group} FROM ${relation} GROUP BY ALL HAVING count(*) > 1) USING (${group}))
     WHERE nth > 1`
  );
  const known = await knownRange(connection, log, relation, { lowest, highest });
  if (known !== void 0) {
    const between = `change_seq BETWEEN ${known.lowest} AND ${known.highest}`;
    await connection.run(
      `INSERT INTO ${table} SELECT new.kafka_partition, new.kafka_offset
       FROM (FROM ${relation} WHERE ${between}) new
       SEMI JOIN (FROM ${log.table} WHERE ${between}) known
       ON known.change_seq = new.change_seq AND known.${log.changeId} = new.${log.changeId}
       ANTI JOIN ${table} found
       ON found.kafka_partition = new.kafka_partition AND found.kafka_offset = new.kafka_offset`
    );
  }
  const ranges = batches.map(
    ({ partition, startOffset, nextOffset }, batch) => `(${batch}, ${partition}, ${startOffset}, ${nextOffset})`
  );
  const found = await rowsOf(
    connection,
    `SELECT batch, count(*) AS rows FROM ${table}
     LEFT JOIN (VALUES ${ranges.join(", ")}) ranges(batch, partition_id, start_offset, next_offset)
     ON partition_id = kafka_partition AND kafka_offset >= start_offset AND kafka_offset < next_offset
     GROUP BY batch`
  );
  return found.map(({ batch, rows }) => {
    assert(batch !== null, "a row has an offset of its batch");
    return { batch: Number(batch), rows: Number(rows) };
  });
}
async function knownRange(connection, log, relation, { lowest, highest }) {
  if (lowest === NO_SEQUENCE) return { lowest, highest };
  if (lowest > log.maxChangeSeq) return void 0;
  const [shared] = await rowsOf(
    connection,
    `SELECT min(change_seq) AS lowest, max(change_seq) AS highest FROM ${relation}
     SEMI JOIN (FROM ${log.table} WHERE change_seq BETWEEN ${lowest} AND ${highest}) USING (change_seq)`
  );
  return shared.lowest === null ? void 0 : shared;
}

export {
  NO_SEQUENCE,
  insertNew
};
//# sourceMappingURL=chunk-RDMFBE6V.js.map
