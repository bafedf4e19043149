import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  compareFiles
} from "./chunk-QVZ4RX7Q.js";
import {
  removeJournal
} from "./chunk-BLAVQB6S.js";
import {
  listFiles,
  makeFolder,
  sync,
  topicFolder
} from "./chunk-CLQZY57A.js";
import {
  SluiceError,
  asSluiceError
} from "./chunk-OOJGYMCI.js";

// src/sinks/duckdb/recovery.ts
import { renameSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
var MAX_NAMES = 3;
var CHOICES = 'Nothing was removed. Put the newer analytics.db back; or make the database from the files with "sluice recover --from-parquet"; or remove the files with "sluice recover --remove-uncounted", and their messages are read from Kafka again. "sluice recover" shows more';
function makeFolders(dataDir, topic) {
  try {
    makeFolder(topicFolder(dataDir, topic));
    for (const folder of [join(dataDir, "parquet"), dataDir]) sync(folder);
  } catch (cause) {
    throw asSluiceError(cause, "SLUICE_DATA_DIR", `DATA_DIR=${dataDir} cannot be written`);
  }
}
function refuseOrphans(dataDir, topic) {
  const orphans = listFiles(topicFolder(dataDir, topic)).filter((path) => path.endsWith(".parquet"));
  if (orphans.length === 0) return;
  throw new SluiceError(
    "SLUICE_UNEXPLAINED_FILES",
    `DATA_DIR=${dataDir} has ${orphans.length} Parquet files, such as ${relative(dataDir, orphans[0])}, but not the database that says which of them count: put analytics.db back, make it from the files with "sluice recover --from-parquet", or move the files away`
  );
}
function publish(files) {
  try {
    for (const { tempPath, path } of files) renameSync(tempPath, path);
    const folders = files.flatMap(({ path }) => [dirname(path), dirname(dirname(path))]);
    for (const folder of new Set(folders)) sync(folder);
  } catch (cause) {
    unpublish(files);
    throw asSluiceError(cause, "SLUICE_DATA_DIR", "cannot publish Parquet files");
  }
}
function unpublish(files) {
  for (const { tempPath, path } of files) {
    try {
      renameSync(path, tempPath);
    } catch {
    }
  }
}
function withdraw(files) {
  for (const { tempPath, path } of files) {
    for (const name of [tempPath, path]) {
      try {
        rmSync(name, { force: true });
      } catch {
      }
    }
  }
}
function reconcileFiles(dataDir, topic, ledger) {
  const differences = compareFiles(dataDir, topic, ledger);
  if (differences.unexplained.length > 0) throw unexplainedFiles(dataDir, differences);
  return remove(dataDir, differences);
}
function removeUncounted(dataDir, topic, ledger) {
  const { leftovers, unexplained, damaged } = compareFiles(dataDir, topic, ledger);
  const why = "the ledger does not name it";
  return remove(dataDir, { leftovers: [...leftovers, ...unexplained.map((file) => ({ file, why }))], damaged });
}
function remove(dataDir, { leftovers, damaged }) {
  refuseDamage(dataDir, damaged);
  for (const { file } of leftovers) rmSync(join(dataDir, file), { force: true });
  removeJournal(dataDir);
  return leftovers;
}
function refuseDamage(dataDir, damaged) {
  if (damaged.length === 0) return;
  throw new SluiceError(
    "SLUICE_SINK",
    `DATA_DIR=${dataDir} lacks Parquet files that the ledger names: ${named(damaged)}. Nothing was removed; put them back. "sluice verify" shows all differences`
  );
}
function unexplainedFiles(dataDir, { unexplained, damaged }) {
  const beside = damaged.length === 0 ? "" : ` Besides, the ledger names files that are not whole: ${named(damaged)}.`;
  return new SluiceError(
    "SLUICE_UNEXPLAINED_FILES",
    `DATA_DIR=${dataDir} has Parquet files that its database does not explain: ${named(unexplained)}. The database is older than they are: analytics.db.wal was removed, or an older analytics.db was put back.${beside} ` + CHOICES
  );
}
function named(names) {
  const more = names.length > MAX_NAMES ? `, \u2026 (${names.length} in all)` : "";
  return `${names.slice(0, MAX_NAMES).join(", ")}${more}`;
}

export {
  makeFolders,
  refuseOrphans,
  publish,
  withdraw,
  reconcileFiles,
  removeUncounted,
  refuseDamage
};
//# sourceMappingURL=chunk-UJUMVWN2.js.map
