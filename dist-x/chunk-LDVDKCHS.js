import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  literal
} from "./chunk-XA52K7QX.js";
import {
  PARTITION_KEY,
  sync,
  topicFolder
} from "./chunk-CLQZY57A.js";
import {
  sinkError
} from "./chunk-YDIRAWJT.js";

// src/sinks/duckdb/upgrade.ts
import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
var OLD_FOLDER = /^partition=\d+$/;
var OLD_KEY = "partition";
function hasOldNames({ files }) {
  return files.some(({ name }) => name.includes(`/${OLD_KEY}=`));
}
async function upgradeFolders(connection, dataDir, topic) {
  const folder = topicFolder(dataDir, topic);
  try {
    const old = readdirSync(folder).filter((name) => OLD_FOLDER.test(name));
    for (const name of old) renameSync(join(folder, name), join(folder, name.replace(OLD_KEY, PARTITION_KEY)));
    sync(folder);
    const [before, after] = [OLD_KEY, PARTITION_KEY].map((key) => `parquet/${topic}/${key}=`);
    await connection.run(
      `UPDATE sluice.batches SET file = ${literal(after)} || substr(file, ${before.length + 1})
       WHERE starts_with(file, ${literal(before)})`
    );
  } catch (thrown) {
    throw sinkError(thrown, `the folders of ${folder} cannot be named ${PARTITION_KEY}=\u2026`);
  }
}

export {
  hasOldNames,
  upgradeFolders
};
//# sourceMappingURL=chunk-LDVDKCHS.js.map
