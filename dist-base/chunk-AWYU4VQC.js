import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  stageFile
} from "./chunk-6FB4SQ4F.js";
import {
  copyToParquet
} from "./chunk-372E3WHQ.js";
import {
  MAX_ROW_GROUP_ROWS
} from "./chunk-CD75S7PK.js";
import {
  publish,
  withdraw
} from "./chunk-UJUMVWN2.js";
import {
  LEDGER_FILES,
  ledgerFile
} from "./chunk-QVZ4RX7Q.js";
import {
  literal,
  rowsOf
} from "./chunk-XA52K7QX.js";
import {
  BATCH_STAT_LIST
} from "./chunk-35ENZBND.js";
import {
  sinkError
} from "./chunk-OOJGYMCI.js";

// src/sinks/duckdb/compaction.ts
import { rmSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
var SUMS = BATCH_STAT_LIST.flatMap(
  ([, { ledger, metadata }]) => ledger === void 0 || metadata === void 0 ? [] : [`sum(${ledger.column}) AS ${metadata}`]
).join(", ");
var ROW_GROUP_BYTES = 32 << 20;
var MIN_ROW_GROUP_ROWS = 2048;
function planCompaction(files, { afterFiles, targetBytes }, everything = false) {
  const sizeClass = ({ batches }) => everything ? 0 : Math.floor(Math.log(batches) / Math.log(afterFiles + 1) + 1e-9);
  const groups = [];
  let group = [];
  let bytes = 0;
  const close = (isFull) => {
    if (group.length > (everything || isFull ? 1 : afterFiles)) groups.push(group);
    group = [];
    bytes = 0;
  };
  for (const file of files) {
    const last = group.at(-1);
    const isNeighbour = last?.partition === file.partition && sizeClass(last) === sizeClass(file);
    if (!isNeighbour) close(false);
    else if (bytes + file.bytes > targetBytes) close(true);
    group.push(file);
    bytes += file.bytes;
  }
  close(false);
  return groups;
}
var Compaction = class _Compaction {
  #connection;
  #dataDir;
  #topic;
  #options;
  #running = Promise.resolve();
  #stopped = false;
  constructor(connection, dataDir, topic, options) {
    this.#connection = connection;
    this.#dataDir = dataDir;
    this.#topic = topic;
    this.#options = options;
  }
  static async open(instance, dataDir, topic, options) {
    return new _Compaction(await instance.connect(), dataDir, topic, options);
  }
  /**
   * Joins what there is to join.
   * @param everything see planCompaction
   * @throws SluiceError SLUICE_DATA_DIR or SLUICE_SINK; what was joined before counts, and nothing is lost
   */
  run(everything = false) {
    const run = this.#running.then(() => this.#run(everything));
    this.#running = run.catch(() => {
    });
    return run;
  }
  /** Gives up what is under way, which loses nothing. */
  async close() {
    this.#stopped = true;
    this.#connection.interrupt();
    await this.#running;
    this.#connection.closeSync();
  }
  async #run(everything) {
    const receipt = { filesBefore: 0, filesAfter: 0, bytesBefore: 0, bytesAfter: 0 };
    try {
      const files = (await rowsOf(this.#connection, LEDGER_FILES)).map(ledgerFile);
      for (const group of planCompaction(files, this.#options, everything)) {
        if (this.#stopped) break;
        receipt.bytesAfter += await this.#join(group);
        receipt.filesAfter += 1;
        receipt.filesBefore += group.length;
        receipt.bytesBefore += group.reduce((sum, { bytes }) => sum + bytes, 0);
      }
    } catch (thrown) {
      if (!this.#stopped) throw thrown;
    }
    return receipt;
  }
  /** @returns the bytes of the new file */
  async #join(group) {
    const path = joinedPath(this.#dataDir, group);
    const failure = `${group.length} Parquet files cannot be joined into ${path}`;
    const file = await stageFile(path, (tempPath) => this.#copy(group, tempPath), failure);
    try {
      publish([file]);
    } catch (thrown) {
      withdraw([file]);
      throw thrown;
    }
    try {
      await this.#swap(group, relative(this.#dataDir, path), file.bytes);
    } catch (thrown) {
      throw sinkError(thrown, `the ledger cannot name ${path}`);
    }
    for (const { name } of group) rmSync(join(this.#dataDir, name), { force: true });
    return file.bytes;
  }
  async #copy(group, path) {
    const list = group.map(({ name }) => literal(join(this.#dataDir, name))).join(", ");
    const [{ rows, bytes }] = await rowsOf(
      this.#connection,
      `SELECT sum(num_values)::DOUBLE / count(DISTINCT path_in_schema) AS rows,
       sum(total_uncompressed_size)::DOUBLE AS bytes FROM parquet_metadata([${list}])`
    );
    const rowGroupRows = Math.floor(ROW_GROUP_BYTES * Number(rows) / Number(bytes));
    const metadata = await this.#metadata(group, list);
    const relation = `read_parquet([${list}], union_by_name = true, hive_partitioning = false)`;
    await copyToParquet(this.#connection, relation, path, {
      compression: this.#options.compression,
      metadata,
      rowGroupRows: Math.max(MIN_ROW_GROUP_ROWS, Math.min(MAX_ROW_GROUP_ROWS, rowGroupRows))
    });
  }
  /** What a new database could be made from: of batches without rows, nothing but these sums is in any file. */
  async #metadata(group, list) {
    const [{ partition, start }, { next }] = [group[0], group[group.length - 1]];
    const [counts] = await rowsOf(
      this.#connection,
      `SELECT sum(rows_merged + rows_duplicate) AS messages_ok, ${SUMS}
       FROM sluice.batches WHERE topic = ${literal(this.#topic)} AND partition_id = ${partition}
         AND start_offset >= ${start} AND next_offset <= ${next}`
    );
    const [known] = await rowsOf(
      this.#connection,
      `SELECT max(value) FILTER (key = 'sluice.leader_epoch') AS leader_epoch,
         CASE WHEN count(*) FILTER (key = 'sluice.format') = ${group.length}
           THEN min(value) FILTER (key = 'sluice.format') END AS format
       FROM (SELECT decode(key) AS key, try_cast(decode(value) AS INTEGER) AS value
         FROM parquet_kv_metadata([${list}]))`
    );
    const values = { topic: this.#topic, partition, start_offset: start, next_offset: next, ...counts, ...known };
    return new Map(
      Object.entries(values).flatMap(([key, value]) => value === null ? [] : [[`sluice.${key}`, String(value)]])
    );
  }
  async #swap(group, name, bytes) {
    const members = group.map((file) => literal(file.name)).join(", ");
    await this.#connection.run(
      `UPDATE sluice.batches SET file = ${literal(name)}, file_bytes = ${bytes}
       WHERE topic = ${literal(this.#topic)} AND partition_id = ${group[0].partition} AND file IN (${members})`
    );
  }
};
function joinedPath(dataDir, group) {
  const [start] = basename(group[0].name).split("-");
  const [, next] = basename(group[group.length - 1].name).split("-");
  return join(dataDir, dirname(group[0].name), `${start}-${next}`);
}

export {
  planCompaction,
  Compaction
};
//# sourceMappingURL=chunk-AWYU4VQC.js.map
