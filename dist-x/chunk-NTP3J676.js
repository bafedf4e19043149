import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readOnlyRows
} from "./chunk-BD3RWV2C.js";
import {
  RunningQueries
} from "./chunk-EBS55YID.js";
import {
  SluiceError,
  asSluiceError
} from "./chunk-YDIRAWJT.js";

// src/query/query-server.ts
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
function querySocketPath(dataDir) {
  return join(dataDir, "query.sock");
}
function queryAddress(dataDir) {
  const path = querySocketPath(dataDir);
  const isPointer = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  return isPointer ? readFileSync(path, "utf8") : path;
}
var OWNER_ONLY = 384;
var MAX_REQUEST_BYTES = 1 << 20;
var MAX_PATH_BYTES = 103;
var READER_TIMEOUT_MS = 6e4;
var READER_BYTES_PER_SECOND = 1 << 20;
var INTERRUPT_AGAIN_MS = 10;
var QueryServer = class _QueryServer {
  #server;
  #queries;
  #readerTimeoutMs;
  #sockets = /* @__PURE__ */ new Set();
  /** Files and folders to be removed at the end. */
  #paths = [];
  constructor(instance, queries, readerTimeoutMs) {
    this.#queries = queries;
    this.#readerTimeoutMs = readerTimeoutMs;
    this.#server = createServer((socket) => this.#serve(socket, instance));
  }
  /**
   * The caller holds the database's lock, so that a socket that is there is a dead process's.
   * @param queries what the commits on the instance know of its queries
   * @throws SluiceError SLUICE_DATA_DIR if there can be no socket
   */
  static async start(instance, dataDir, queries = new RunningQueries(), readerTimeoutMs = READER_TIMEOUT_MS) {
    const started = new _QueryServer(instance, queries, readerTimeoutMs);
    const path = querySocketPath(dataDir);
    try {
      rmSync(path, { force: true });
      await started.#listen(path);
    } catch (cause) {
      await started.close();
      throw asSluiceError(cause, "SLUICE_DATA_DIR", `${path} cannot be made`);
    }
    started.#server.unref();
    return started;
  }
  /** Ends all queries first: DuckDB does not survive that its instance is closed under one. */
  async close() {
    const closed = new Promise((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await this.#queries.close();
    await closed;
    for (const path of this.#paths.reverse()) rmSync(path, { force: true, recursive: true });
  }
  /** The socket is made in a folder that is closed to others, and gets its name when it is closed to them itself. */
  async #listen(path) {
    const isLong = Buffer.byteLength(path) + "/.query-XXXXXX".length > MAX_PATH_BYTES;
    const folder = mkdtempSync(join(isLong ? tmpdir() : dirname(path), ".query-"));
    this.#paths.push(folder, path);
    const socket = join(folder, "query.sock");
    await new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(socket, resolve);
    });
    chmodSync(socket, OWNER_ONLY);
    if (isLong) {
      writeFileSync(path, socket, { mode: OWNER_ONLY });
    } else {
      renameSync(socket, path);
      rmdirSync(folder);
    }
  }
  #serve(socket, instance) {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let received = Buffer.alloc(0);
    const receive = (bytes) => {
      received = Buffer.concat([received, bytes]);
      const end = received.indexOf("\n");
      if (received.length > MAX_REQUEST_BYTES) socket.destroy();
      else if (end !== -1) {
        socket.off("data", receive).resume();
        this.#answer(socket, instance, received.toString("utf8", 0, end));
      }
    };
    socket.on("data", receive);
  }
  #answer(socket, instance, line) {
    const ending = new AbortController();
    socket.on("close", () => ending.abort());
    this.#queries.run(ending, () => answer(new Reader(socket, this.#readerTimeoutMs), instance, line, ending.signal)).then(
      () => socket.end(),
      (error) => {
        socket.end(`${JSON.stringify({ error: error.message })}
`);
        const timer = setTimeout(() => socket.destroy(), this.#readerTimeoutMs);
        socket.once("close", () => clearTimeout(timer));
      }
    );
  }
};
async function answer(reader, instance, line, signal) {
  signal.throwIfAborted();
  const { sql, ...settings } = JSON.parse(line);
  const connection = await instance.connect();
  let timer;
  const interrupt = () => {
    connection.interrupt();
    timer = setTimeout(interrupt, INTERRUPT_AGAIN_MS);
  };
  signal.addEventListener("abort", interrupt);
  try {
    signal.throwIfAborted();
    const { columns, types, batches } = await readOnlyRows(connection, sql, settings);
    await reader.send({ columns, types }, signal);
    for await (const rows of batches) await reader.send({ rows }, signal);
    await reader.send({ done: true }, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  } finally {
    signal.removeEventListener("abort", interrupt);
    clearTimeout(timer);
    connection.closeSync();
  }
}
var Reader = class {
  #socket;
  #readerTimeoutMs;
  #waitedMs = 0;
  constructor(socket, readerTimeoutMs) {
    this.#socket = socket;
    this.#readerTimeoutMs = readerTimeoutMs;
  }
  /**
   * Resolves when there is room for more.
   * @throws SluiceError SLUICE_QUERY if the reader is too slow, or what the signal says
   */
  async send(message, signal) {
    signal.throwIfAborted();
    if (this.#socket.write(`${JSON.stringify(message)}
`)) return;
    const taken = this.#socket.bytesWritten - this.#socket.writableLength;
    const allowedMs = this.#readerTimeoutMs + taken / READER_BYTES_PER_SECOND * 1e3;
    const startMs = performance.now();
    await this.#drained(Math.max(0, allowedMs - this.#waitedMs), signal);
    this.#waitedMs += performance.now() - startMs;
  }
  #drained(withinMs, signal) {
    return new Promise((resolve, reject) => {
      const settle = (error) => {
        clearTimeout(timer);
        this.#socket.off("drain", settle);
        signal.removeEventListener("abort", abort);
        if (error === void 0) resolve();
        else reject(error);
      };
      const abort = () => settle(signal.reason);
      const timer = setTimeout(() => settle(new SluiceError("SLUICE_QUERY", TOO_SLOW)), withinMs);
      this.#socket.on("drain", settle);
      signal.addEventListener("abort", abort);
    });
  }
};
var TOO_SLOW = "the rows were taken too slowly, and the query was ended: the running process waits a minute for its reader, and a second more for each MiB that was taken. Write the result into a file first";

export {
  querySocketPath,
  queryAddress,
  QueryServer
};
//# sourceMappingURL=chunk-NTP3J676.js.map
