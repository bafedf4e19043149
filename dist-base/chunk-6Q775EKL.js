import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  hasOldNames,
  upgradeFolders
} from "./chunk-Q7EU2OTC.js";
import {
  reconcileFiles
} from "./chunk-UJUMVWN2.js";
import {
  readLedgerState
} from "./chunk-4RXNSG7Q.js";
import {
  removeUnfinishedDatabases
} from "./chunk-UFHYT4J4.js";
import {
  migrate
} from "./chunk-ZXIYXBTA.js";
import {
  checkFormat
} from "./chunk-3CYC53KP.js";

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
//# sourceMappingURL=chunk-6Q775EKL.js.map
