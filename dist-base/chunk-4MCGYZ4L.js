import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  insertNew
} from "./chunk-RDMFBE6V.js";
import {
  publish
} from "./chunk-UJUMVWN2.js";
import {
  movePositions,
  writeLedger,
  writeQuarantine
} from "./chunk-4RXNSG7Q.js";
import {
  writeJournal
} from "./chunk-BLAVQB6S.js";
import {
  combineStats
} from "./chunk-35ENZBND.js";
import {
  SluiceError,
  isOutOfMemory,
  sinkError
} from "./chunk-OOJGYMCI.js";

// src/sinks/duckdb/group-transaction.ts
import { relative } from "node:path";
async function writeGroup(connection, { dataDir, topic, commitId, log, relation, batches }) {
  const written = await insertNew(connection, log, relation, batches);
  await writeQuarantine(connection, topic, batches);
  const rows = written.map(({ file, ...batch }) => {
    return { ...batch, kind: "consume", file: file && { name: relative(dataDir, file.path), bytes: file.bytes } };
  });
  await writeLedger(connection, topic, commitId, rows);
  await movePositions(connection, topic, batches);
  return written;
}
function publishGroup({ dataDir, commitId }, files) {
  if (files.length === 0) return;
  writeJournal(dataDir, { commit: commitId, files: files.map(({ path }) => relative(dataDir, path)) });
  publish(files);
}
function writeError(batches, thrown) {
  if (!isOutOfMemory(thrown)) return sinkError(thrown, "a commit group cannot be written");
  const [{ partition, startOffset, nextOffset }] = batches;
  return new SluiceError(
    "SLUICE_SINK",
    `a commit of partition ${partition}, offsets ${startOffset} to ${nextOffset}, needs more memory than DUCKDB_MEMORY_LIMIT: raise it, or, unless it is a single message, lower BATCH_BYTES or BATCH_ROWS: ` + thrown.message,
    { cause: thrown }
  );
}
function filesOf(batches) {
  return batches.flatMap(({ file }) => file === void 0 ? [] : [file]);
}
function combineReceipts(receipts) {
  const positions = new Map(receipts.flatMap((receipt) => receipt.positions.map((at) => [at.partition, at])));
  return { positions: [...positions.values()], stats: combineStats(receipts.map(({ stats }) => stats)) };
}
async function clearStaging(staging) {
  try {
    await staging.clear();
  } catch (thrown) {
    throw sinkError(thrown, "a commit group is committed, but its staging cannot be cleared").forGood();
  }
}

export {
  writeGroup,
  publishGroup,
  writeError,
  filesOf,
  combineReceipts,
  clearStaging
};
//# sourceMappingURL=chunk-4MCGYZ4L.js.map
