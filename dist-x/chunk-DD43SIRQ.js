import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  require_lib
} from "./chunk-ZIERCETT.js";
import {
  databasePath,
  sync
} from "./chunk-CLQZY57A.js";
import {
  SluiceError,
  sinkError
} from "./chunk-YDIRAWJT.js";
import {
  __toESM
} from "./chunk-YJDLZ72D.js";

// src/sinks/duckdb/database.ts
var import_node_api = __toESM(require_lib(), 1);
import { randomUUID } from "node:crypto";
import { existsSync, linkSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
var CHECKPOINT_THRESHOLD = "1GB";
var STORAGE_VERSION = "v1.4.0";
var NEW_DATABASE = ".analytics.db.new-";
async function createDatabase(options) {
  const path = databasePath(options.dataDir);
  const unfinished = join(options.dataDir, `${NEW_DATABASE}${randomUUID()}`);
  try {
    (await openDatabase(unfinished, options)).closeSync();
    sync(unfinished);
    linkSync(unfinished, path);
    sync(dirname(path));
  } catch (cause) {
    const isOvertaken = ["EEXIST", "ENOENT"].includes(`${cause.code}`);
    if (!isOvertaken || !existsSync(path)) throw sinkError(cause, `${path} cannot be made`);
  } finally {
    for (const name of [unfinished, `${unfinished}.wal`]) rmSync(name, { force: true });
  }
}
function removeUnfinishedDatabases(dataDir) {
  const names = readdirSync(dataDir).filter((name) => name.startsWith(NEW_DATABASE));
  for (const name of names) rmSync(join(dataDir, name), { force: true });
}
async function openDatabase(path, options) {
  const { dataDir, threads, memoryLimit } = options;
  try {
    return await import_node_api.DuckDBInstance.create(path, {
      threads: String(threads),
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      checkpoint_threshold: CHECKPOINT_THRESHOLD,
      storage_compatibility_version: STORAGE_VERSION,
      // Nothing is deleted from the change log; to join its row groups would write most of them again at a checkpoint.
      max_vacuum_tasks: "0",
      ...memoryLimit !== void 0 && { memory_limit: `${memoryLimit}B` }
    });
  } catch (cause) {
    const holder = /Conflicting lock is held in (.+?\(PID \d+\))/.exec(cause.message)?.[1];
    if (holder === void 0) throw sinkError(cause, `${path} cannot be opened`);
    throw new SluiceError(
      "SLUICE_LOCKED",
      `DATA_DIR=${dataDir} is held by ${holder}: stop that process, or use another DATA_DIR`,
      { cause }
    );
  }
}

export {
  STORAGE_VERSION,
  createDatabase,
  removeUnfinishedDatabases,
  openDatabase
};
//# sourceMappingURL=chunk-DD43SIRQ.js.map
