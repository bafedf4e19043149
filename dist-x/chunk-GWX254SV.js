import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  DatabaseBuilder
} from "./chunk-UK3OWATL.js";
import {
  takeInventory
} from "./chunk-HKUVROYJ.js";
import {
  attachOld
} from "./chunk-XNFJFQDM.js";
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

// src/sinks/duckdb/rebuild.ts
var import_node_api = __toESM(require_lib(), 1);
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
async function rebuild(options) {
  const { dataDir, memoryLimit } = options;
  const folder = join(dataDir, ".recovery");
  const instance = await import_node_api.DuckDBInstance.create(":memory:", {
    threads: "1",
    memory_limit: `${memoryLimit}B`,
    temp_directory: join(folder, "spill"),
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false"
  });
  const connection = await instance.connect();
  try {
    const database = databasePath(dataDir);
    const old = existsSync(database) ? await attachOld(connection, database) : void 0;
    const inventory = await takeInventory(connection, dataDir, options.topic);
    checkOld(old, options, inventory);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const built = await new DatabaseBuilder(connection, options, inventory, old).build(join(folder, "analytics.db"));
    const keptAs = swap(dataDir, folder);
    return { ...built, keptAs };
  } catch (thrown) {
    throw sinkError(thrown, "the database cannot be made from the Parquet files");
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true, force: true });
  }
}
function checkOld(old, { dataDir, topic }, { files }) {
  if (old !== void 0 && old.topic !== topic) {
    throw new SluiceError("SLUICE_CONFIG", `DATA_DIR holds the topic ${old.topic}, KAFKA_TOPIC is ${topic}`);
  }
  if (files.length === 0) {
    throw new SluiceError("SLUICE_CONFIG", `DATA_DIR=${dataDir} has no Parquet files of ${topic} to recover from`);
  }
}
function swap(dataDir, folder) {
  const database = databasePath(dataDir);
  const prefix = `${database}.before-recovery-`;
  const kept = `${prefix}${(/* @__PURE__ */ new Date()).toISOString().replaceAll(/[-:]/g, "")}`;
  const existed = existsSync(database);
  if (existed) {
    const { ino } = statSync(database);
    for (const name of readdirSync(dataDir).map((name2) => join(dataDir, name2))) {
      if (name.startsWith(prefix) && statSync(name).ino === ino) rmSync(name);
    }
    linkSync(database, kept);
  }
  if (existsSync(`${database}.wal`)) renameSync(`${database}.wal`, `${kept}.wal`);
  sync(join(folder, "analytics.db"));
  renameSync(join(folder, "analytics.db"), database);
  sync(dataDir);
  return existed ? kept : void 0;
}

export {
  rebuild
};
//# sourceMappingURL=chunk-GWX254SV.js.map
