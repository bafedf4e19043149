import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/storage/data-dir.ts
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
var FORMAT_VERSION = 2;
var PARTITION_KEY = "sluice_partition";
function databasePath(dataDir) {
  return join(dataDir, "analytics.db");
}
function topicFolder(dataDir, topic) {
  return join(dataDir, "parquet", topic);
}
function parquetPath(dataDir, topic, partition, start, next) {
  const name = `${String(start).padStart(20, "0")}-${String(next).padStart(20, "0")}.parquet`;
  return join(topicFolder(dataDir, topic), `${PARTITION_KEY}=${partition}`, name);
}
var PARQUET_NAME = /(?:^|\/)(?:sluice_)?partition=(\d+)\/(\d{20})-(\d{20})\.parquet$/;
function parquetRange(path) {
  const match = PARQUET_NAME.exec(path);
  if (match === null) return void 0;
  return { partition: Number(match[1]), start: Number(match[2]), next: Number(match[3]) };
}
function temporaryPath(path) {
  return join(dirname(path), `.${basename(path)}.tmp`);
}
function makeFolder(path) {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (thrown) {
    if (thrown.code !== "EEXIST") throw thrown;
  }
}
function sync(path) {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
function listFiles(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

export {
  FORMAT_VERSION,
  PARTITION_KEY,
  databasePath,
  topicFolder,
  parquetPath,
  parquetRange,
  temporaryPath,
  makeFolder,
  sync,
  listFiles
};
//# sourceMappingURL=chunk-CLQZY57A.js.map
