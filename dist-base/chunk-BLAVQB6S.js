import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  sync,
  temporaryPath
} from "./chunk-CLQZY57A.js";

// src/sinks/duckdb/commit-journal.ts
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
var NAME = "commit.json";
var VERSION = 1;
function writeJournal(dataDir, { commit, files }) {
  const path = join(dataDir, NAME);
  const temporary = temporaryPath(path);
  writeFileSync(temporary, JSON.stringify({ version: VERSION, commit, files }));
  sync(temporary);
  renameSync(temporary, path);
  sync(dataDir);
}
function readJournal(dataDir) {
  try {
    const journal = JSON.parse(readFileSync(join(dataDir, NAME), "utf8"));
    return journal.version === VERSION ? { commit: journal.commit, files: journal.files } : void 0;
  } catch {
    return void 0;
  }
}
function removeJournal(dataDir) {
  const path = join(dataDir, NAME);
  for (const name of [path, temporaryPath(path)]) rmSync(name, { force: true });
}

export {
  writeJournal,
  readJournal,
  removeJournal
};
//# sourceMappingURL=chunk-BLAVQB6S.js.map
