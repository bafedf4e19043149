import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  hasOldNames,
  upgradeFolders
} from "./chunk-LDVDKCHS.js";
import {
  reconcileFiles
} from "./chunk-NNPZDQ3O.js";
import {
  readLedgerState
} from "./chunk-LOGFUWOU.js";
import {
  removeUnfinishedDatabases
} from "./chunk-DD43SIRQ.js";
import {
  migrate
} from "./chunk-6VYFZIUW.js";
import {
  checkFormat
} from "./chunk-MPPZZGPY.js";

// src/sinks/duckdb/opening.ts
async function openDirectory(connection, { dataDir, topic, spec }) {
  await checkFormat(connection, topic);
  const found = await readLedgerState(connection);
  const isOld = hasOldNames(found);
  removeUnfinishedDatabases(dataDir);
  let removed = isOld ? [] : reconcileFiles(dataDir, topic, found);
  const issueBits = await migrate(connection, spec, topic);
  await upgradeFolders(connection, dataDir, topic);
  if (!isOld) return { ledger: found, removed, issueBits };
  const ledger = await readLedgerState(connection);
  removed = reconcileFiles(dataDir, topic, ledger);
  return { ledger, removed, issueBits };
}

export {
  openDirectory
};
//# sourceMappingURL=chunk-TKDQ5UWZ.js.map
