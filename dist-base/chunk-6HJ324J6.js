import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readEvent
} from "./chunk-NS7YMOSL.js";
import {
  deserialized,
  documentOf,
  memberOf
} from "./chunk-SC3AT35C.js";
import {
  splitsLargeEvents
} from "./chunk-TFZU5VFI.js";
import {
  backoff,
  withRetry,
  withTimeout
} from "./chunk-R4PP75HT.js";
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/capture/collection.ts
import { setTimeout as sleep } from "node:timers/promises";
import {
  MongoClient,
  MongoError,
  MongoNetworkTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  Timestamp
} from "mongodb";
var SERVER_SELECTION_TIMEOUT_MS = 1e4;
var ANSWER_TIMEOUT_MS = 3e4;
var READ_TIMEOUT_MS = 3e5;
var CapturedCollection = class _CapturedCollection {
  name;
  #options;
  #log;
  #client;
  #collection;
  constructor(options, client, log) {
    const { database, collection } = options;
    this.name = `${database}.${collection}`;
    this.#options = options;
    this.#log = log;
    this.#client = client;
    this.#collection = client.db(database).collection(collection);
  }
  /** @throws SluiceError SLUICE_MONGODB */
  static async connect(options, log) {
    let client;
    try {
      client = makeClient(options.uri);
      await client.connect();
      return new _CapturedCollection(options, client, log);
    } catch (cause) {
      await client?.close();
      throw new SluiceError("SLUICE_MONGODB", `MONGODB_URI cannot be used: ${cause.message}`, { cause });
    }
  }
  /** The time of the newest operation that the server knows, 16 hex digits. */
  async operationTime() {
    const reply = await this.#withRetry("the operation time", (client) => client.db("admin").command({ ping: 1 }));
    const time = reply.operationTime;
    if (time !== void 0) return hexTime(time);
    throw new SluiceError("SLUICE_MONGODB", "the server is no member of a replica set: change streams need one");
  }
  /** The oldest time in the oplog; undefined where it may not be read. */
  async oldestTime() {
    const entry = await this.#withRetry("the oldest time in its oplog", async (client) => {
      const oplog = client.db("local").collection("oplog.rs");
      return oplog.findOne({}, { sort: { $natural: 1 }, projection: { ts: 1 } });
    }).catch((error) => {
      if (error.cause instanceof MongoServerError) return null;
      throw error;
    });
    return entry === null ? void 0 : hexTime(entry.ts);
  }
  /** Whether the collection keeps documents as they were before and after a change. */
  async keepsImages() {
    const { database, collection } = this.#options;
    const [info] = await this.#withRetry(
      "the collection's options",
      (client) => client.db(database).listCollections({ name: collection }).toArray()
    );
    return info !== void 0 && "options" in info && info.options?.changeStreamPreAndPostImages?.enabled === true;
  }
  /** A document as it is now; undefined where it is gone. */
  async document(id) {
    const { database, collection } = this.#options;
    const filter = { _id: { $eq: deserialized(id) } };
    const found = await this.#withRetry(
      "a document",
      (client) => client.db(database).collection(collection).findOne(filter, { raw: true })
    );
    return found === null ? void 0 : documentOf(found);
  }
  /**
   * All documents in the order of `_id`, as BSON, over broken connections.
   * @param after the `_id` to start after; undefined: from the first
   */
  async *documents(after) {
    let last;
    for (let failures = 0; ; ) {
      if (last !== void 0) after = idOf(last);
      const filter = after === void 0 ? {} : { $expr: { $gt: ["$_id", { $literal: after }] } };
      const cursor = this.#collection.find(filter, { sort: { _id: 1 }, raw: true });
      try {
        for (; ; ) {
          const first = await withTimeout(cursor.next(), READ_TIMEOUT_MS);
          if (first === null) return;
          failures = 0;
          for (const document of [first, ...cursor.readBufferedDocuments()]) {
            last = document;
            yield document;
          }
        }
      } catch (thrown) {
        if (!(thrown instanceof MongoError)) throw thrown;
        this.renewAfter(thrown);
        const backoffMs = backoff(failures++);
        this.#log.warn({ backoffMs }, `MongoDB: ${thrown.message}; the snapshot continues from where it was`);
        await sleep(backoffMs);
      } finally {
        await cursor.close().catch(() => {
        });
      }
    }
  }
  /** Opens a stream; large events come in fragments where the server can split them. */
  async watch(start, options) {
    const { versionArray } = await this.#client.db("admin").command({ buildInfo: 1 });
    const pipeline = splitsLargeEvents(versionArray ?? []) ? [{ $changeStreamSplitLargeEvent: {} }] : [];
    const resumeFrom = "token" in start ? { startAfter: { _data: start.token } } : { startAtOperationTime: new Timestamp(BigInt(`0x${start.time}`)) };
    const stream = this.#collection.watch(pipeline, {
      ...resumeFrom,
      raw: true,
      fullDocument: options.fullDocument,
      ...options.preImages && { fullDocumentBeforeChange: "required" },
      maxAwaitTimeMS: options.maxAwaitMs
    });
    return eventStream(stream);
  }
  /**
   * Takes a new client where the old one finds no server anymore, or gives no answer: a check of the driver's monitor
   * whose connection closes at the wrong moment never ends, and no other one is begun.
   */
  renewAfter(error) {
    if (!(error instanceof MongoServerSelectionError || error instanceof MongoNetworkTimeoutError)) return;
    const { uri, database, collection } = this.#options;
    void this.#client.close(true).catch(() => {
    });
    this.#client = makeClient(uri);
    this.#collection = this.#client.db(database).collection(collection);
  }
  async close() {
    await this.#client.close(true);
  }
  #withRetry(what, ask) {
    const onFailure = (error) => this.renewAfter(error);
    return withRetry(() => ask(this.#client), { what, timeoutMs: ANSWER_TIMEOUT_MS, log: this.#log, onFailure });
  }
};
function eventStream(stream) {
  const { cursor } = stream;
  return {
    async next() {
      const first = await cursor.tryNext();
      const events = first === null ? [] : [first, ...cursor.readBufferedDocuments()].map(readEvent);
      return { events, token: cursor.postBatchResumeToken?._data };
    },
    close: () => stream.close()
  };
}
function idOf(document) {
  const id = memberOf(documentOf(document), "_id");
  return id === void 0 ? void 0 : deserialized(id);
}
function timeAfter(time) {
  return (BigInt(`0x${time}`) + 1n).toString(16).padStart(16, "0").toUpperCase();
}
function makeClient(uri) {
  return new MongoClient(uri, { serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS, appName: "sluice" });
}
function hexTime(time) {
  const hex = (value) => value.toString(16).padStart(8, "0").toUpperCase();
  return hex(time.t) + hex(time.i);
}

export {
  READ_TIMEOUT_MS,
  CapturedCollection,
  idOf,
  timeAfter
};
//# sourceMappingURL=chunk-6HJ324J6.js.map
