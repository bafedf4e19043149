import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  openStagedRows
} from "./chunk-UOR5Z4RO.js";
import {
  clearStaging,
  combineReceipts,
  filesOf,
  publishGroup,
  writeError,
  writeGroup
} from "./chunk-4MCGYZ4L.js";
import {
  openDirectory
} from "./chunk-6Q775EKL.js";
import {
  CommitMemory
} from "./chunk-KADXQZG4.js";
import {
  Compaction
} from "./chunk-AWYU4VQC.js";
import {
  NO_SEQUENCE
} from "./chunk-RDMFBE6V.js";
import {
  makeFolders,
  refuseOrphans,
  withdraw
} from "./chunk-UJUMVWN2.js";
import {
  insertPositions,
  readIdentity,
  readPositions,
  writeGaps,
  writeIdentity
} from "./chunk-4RXNSG7Q.js";
import {
  createDatabase,
  openDatabase
} from "./chunk-UFHYT4J4.js";
import {
  removeJournal
} from "./chunk-BLAVQB6S.js";
import {
  RunningQueries
} from "./chunk-RXQEFNT4.js";
import {
  identifier,
  rowsOf
} from "./chunk-XA52K7QX.js";
import {
  combineStats
} from "./chunk-35ENZBND.js";
import {
  databasePath
} from "./chunk-CLQZY57A.js";
import {
  roleColumn
} from "./chunk-6JEHCNW6.js";
import {
  assert,
  isOutOfMemory,
  sinkError
} from "./chunk-OOJGYMCI.js";

// src/sinks/duckdb/sink.ts
import { existsSync } from "node:fs";
var DuckDbSink = class {
  /** DuckDB lets one process write to a file. */
  needsWholeTopic = true;
  #options;
  #instance;
  #connection;
  #stagingConnection;
  #compaction;
  /** Files made since the last compaction looked; unknown until the first look. */
  #newFiles = Number.POSITIVE_INFINITY;
  #group;
  #otherStaging;
  /** A group whose commit failed and is to be tried again. */
  #failedGroup;
  #committing = Promise.resolve();
  #lastCommit = 0;
  #log;
  #queries;
  #memory;
  /** @param queries those that share the database's memory with the commits */
  constructor(options, queries = new RunningQueries()) {
    this.#options = options;
    this.#queries = queries;
    this.#log = {
      table: identifier(options.spec.table),
      changeId: identifier(roleColumn(options.spec, "change_id").name),
      maxChangeSeq: NO_SEQUENCE
    };
  }
  /** The database, for connections that read beside the commits. */
  get instance() {
    assert(this.#instance !== void 0, "the sink is open");
    return this.#instance;
  }
  async open() {
    const { dataDir, topic, compaction } = this.#options;
    const database = databasePath(dataDir);
    makeFolders(dataDir, topic);
    if (!existsSync(database)) {
      refuseOrphans(dataDir, topic);
      await createDatabase(this.#options);
    }
    this.#instance = await openDatabase(database, this.#options);
    this.#connection = await this.#instance.connect();
    this.#stagingConnection = await this.#instance.connect();
    this.#memory = await CommitMemory.open(this.#instance, this.#queries, this.#options.memoryLimit);
    this.#compaction = await Compaction.open(this.#instance, dataDir, topic, compaction);
    try {
      await this.#connection.run(`ATTACH ':memory:' AS staging`);
      const { ledger, removed, issueBits } = await openDirectory(this.#connection, this.#options);
      this.#lastCommit = ledger.lastCommit;
      const [{ highest }] = await rowsOf(this.#connection, `SELECT max(change_seq) AS highest FROM ${this.#log.table}`);
      await this.#memory.storeLongStrings(this.#connection);
      this.#log.maxChangeSeq = highest ?? NO_SEQUENCE;
      this.#group = {
        staging: await openStagedRows(this.#stagingConnection, this.#options, "rows_0"),
        batches: [],
        receipts: []
      };
      this.#otherStaging = await openStagedRows(this.#stagingConnection, this.#options, "rows_1");
      return { identity: await readIdentity(this.#connection), issueBits, removed };
    } catch (thrown) {
      await this.close();
      throw sinkError(thrown, "the data directory cannot be opened");
    }
  }
  async setIdentity(identity) {
    await writeIdentity(this.#connection, identity);
  }
  async claim(partitions) {
    return await this.#positions(partitions);
  }
  /** Nothing to do: the file's lock is held for the whole topic until the sink is closed. */
  async release() {
  }
  async initPositions(starts) {
    await insertPositions(this.#connection, this.#options.topic, starts);
  }
  async recordGaps(gaps) {
    await this.#committing;
    await this.#run("BEGIN");
    try {
      await writeGaps(this.#connection, this.#options.topic, gaps, this.#lastCommit + 1);
      return await this.#decide(gaps);
    } catch (thrown) {
      await this.#connection.run("ROLLBACK").catch(() => {
      });
      throw sinkError(thrown, "lost offsets cannot be recorded");
    }
  }
  async stage(batch) {
    assert(this.#group !== void 0, "the sink is open");
    assert(batch.nextOffset > batch.startOffset, "a batch covers at least one offset");
    const { staging, batches } = this.#group;
    const startMs = performance.now();
    try {
      await staging.append(batch);
    } catch (thrown) {
      throw sinkError(thrown, "a batch cannot be staged");
    }
    const stats = { ...batch.stats, stageSeconds: (performance.now() - startMs) / 1e3 };
    batches.push({ ...batch, arrow: void 0, stats });
  }
  commit() {
    const receipt = this.#commit();
    this.#committing = receipt.catch(() => {
    });
    return receipt;
  }
  async #commit() {
    const startMs = performance.now();
    const group = this.#failedGroup ?? this.#takeGroup();
    this.#failedGroup = void 0;
    const { staging, batches, receipts } = group;
    let size = batches.length;
    do {
      const part = batches.slice(0, size);
      const written = await this.#write(group, part);
      if (written === void 0) {
        size = Math.ceil(size / 2);
        continue;
      }
      receipts.push(await this.#finish(part, written));
      batches.splice(0, size);
    } while (batches.length > 0);
    await clearStaging(staging);
    this.#otherStaging = staging;
    return { ...combineReceipts(receipts), commitSeconds: (performance.now() - startMs) / 1e3 };
  }
  /**
   * Does all of a transaction but the COMMIT, or nothing.
   * @param part the first batches of the group that are left
   * @returns them, with what became of their rows; undefined if they need more memory together than there is
   */
  async #write(group, part) {
    const connection = this.#connection;
    const relation = group.staging.relation(part);
    const transaction = { ...this.#options, log: this.#log, commitId: this.#lastCommit + 1, relation, batches: part };
    try {
      const written = await this.#memory.write(connection, async () => {
        await this.#run("BEGIN");
        return await writeGroup(connection, transaction);
      });
      if (part.length > 1 && await this.#memory.hasWrittenTooMuch()) {
        await this.#run("ROLLBACK");
        return void 0;
      }
      publishGroup(transaction, filesOf(part));
      return written;
    } catch (thrown) {
      await connection.run("ROLLBACK").catch(() => {
      });
      if (isOutOfMemory(thrown) && part.length > 1) return void 0;
      const error = writeError(part, thrown);
      if (error.retryable) this.#failedGroup = group;
      else withdraw(filesOf(group.batches));
      throw error;
    }
  }
  /** Commits what was written. */
  async #finish(part, written) {
    try {
      const positions = await this.#decide(part);
      const stats = combineStats(written.map((batch) => batch.stats));
      removeJournal(this.#options.dataDir);
      const { maxChangeSeq = NO_SEQUENCE } = stats;
      if (maxChangeSeq > this.#log.maxChangeSeq) this.#log.maxChangeSeq = maxChangeSeq;
      this.#newFiles += filesOf(part).length;
      await this.#memory.storeLongStrings(this.#connection);
      return { positions, stats };
    } catch (thrown) {
      throw sinkError(thrown, "a commit group cannot be committed").forGood();
    }
  }
  /** The group that was gathered; the next one is gathered beside it. */
  #takeGroup() {
    const [group, staging] = [this.#group, this.#otherStaging];
    assert(group !== void 0 && staging !== void 0, "the sink is open, and one commit at a time");
    group.staging.flush();
    this.#group = { staging, batches: [], receipts: [] };
    this.#otherStaging = void 0;
    return group;
  }
  /** @param everything joins as much as fits, however few files there are */
  async compact(everything = false) {
    const { afterFiles } = this.#options.compaction;
    const isDue = everything || afterFiles > 0 && this.#newFiles > afterFiles;
    if (!isDue) return { filesBefore: 0, filesAfter: 0, bytesBefore: 0, bytesAfter: 0 };
    this.#newFiles = 0;
    return await this.#compaction.run(everything);
  }
  /** Waits for a running commit: a connection must not go while DuckDB works on it. */
  async close() {
    await Promise.all([this.#committing, this.#compaction?.close()]);
    await this.#memory?.close();
    this.#stagingConnection?.closeSync();
    this.#connection?.closeSync();
    this.#instance?.closeSync();
    this.#instance = void 0;
    this.#connection = void 0;
    this.#compaction = void 0;
    this.#memory = void 0;
    this.#group = void 0;
    this.#failedGroup = void 0;
  }
  /** Commits. @returns the positions that moved */
  async #decide(moves) {
    return await this.#memory.commit(async () => {
      await this.#run("COMMIT");
      this.#lastCommit++;
      return await this.#positions(moves.map(({ partition }) => partition));
    });
  }
  async #positions(partitions) {
    const wanted = new Set(partitions);
    const known = await readPositions(this.#connection, this.#options.topic);
    return known.filter(({ partition }) => wanted.has(partition));
  }
  async #run(sql) {
    await this.#connection.run(sql);
  }
};

export {
  DuckDbSink
};
//# sourceMappingURL=chunk-VBRIGL4D.js.map
