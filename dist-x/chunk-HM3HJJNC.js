import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  linesOf
} from "./chunk-KJC4RAC6.js";
import {
  queryAddress
} from "./chunk-NTP3J676.js";
import {
  readOnlyRows,
  shownRows
} from "./chunk-BD3RWV2C.js";
import {
  require_lib
} from "./chunk-ZIERCETT.js";
import {
  databasePath
} from "./chunk-CLQZY57A.js";
import {
  SluiceError,
  asSluiceError,
  isLocked
} from "./chunk-YDIRAWJT.js";
import {
  __toESM
} from "./chunk-YJDLZ72D.js";

// src/query/sql-client.ts
var import_node_api = __toESM(require_lib(), 1);
import { existsSync } from "node:fs";
import { createConnection } from "node:net";
async function openSql(dataDir) {
  const path = databasePath(dataDir);
  const socket = await connect(queryAddress(dataDir));
  if (socket !== void 0) {
    socket.destroy();
    return new SocketClient(queryAddress(dataDir));
  }
  if (!existsSync(path)) {
    throw new SluiceError("SLUICE_CONFIG", `DATA_DIR=${dataDir} has no database yet: "sluice run" makes it`);
  }
  try {
    const instance = await import_node_api.DuckDBInstance.create(path, {
      access_mode: "READ_ONLY",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false"
    });
    return new FileClient(instance);
  } catch (cause) {
    throw asSluiceError(cause, isLocked(cause) ? "SLUICE_LOCKED" : "SLUICE_SINK", `${path} cannot be read`);
  }
}
async function allRows(client, sql) {
  const result = await client.query(sql);
  const { columns } = result;
  const rows = [];
  for await (const batch of shownRows(result, { wideNumbers: false })) {
    for (const values of batch) rows.push(Object.fromEntries(columns.map((column, index) => [column, values[index]])));
  }
  return rows;
}
function connect(path) {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(void 0));
  });
}
var FileClient = class {
  live = false;
  #instance;
  #connections = [];
  constructor(instance) {
    this.#instance = instance;
  }
  async query(sql, settings) {
    const connection = await this.#instance.connect();
    this.#connections.push(connection);
    return readOnlyRows(connection, sql, settings);
  }
  close() {
    for (const connection of this.#connections) connection.closeSync();
    this.#instance.closeSync();
  }
};
var CUT_OFF = "the running process closed the connection before the answer was complete: it has ended, or what reads the rows stood still for a minute";
var SocketClient = class {
  live = true;
  #path;
  constructor(path) {
    this.#path = path;
  }
  async query(sql, { timeZone = "UTC" } = {}) {
    const socket = await connect(this.#path);
    if (socket === void 0) throw new SluiceError("SLUICE_QUERY", "the running process has ended");
    socket.write(`${JSON.stringify({ sql, timeZone })}
`);
    const answers = readAnswers(socket);
    const { value: head } = await answers.next();
    if (head === void 0 || !("columns" in head))
      throw new SluiceError("SLUICE_QUERY", "the running process has ended");
    return { ...head, timeZone, batches: rowsOfAnswers(answers) };
  }
  close() {
  }
};
async function* readAnswers(socket) {
  try {
    for await (const line of linesOf(socket)) {
      const answer = JSON.parse(line);
      if ("error" in answer) throw new SluiceError("SLUICE_QUERY", answer.error);
      yield answer;
      if ("done" in answer) return;
    }
    throw new SluiceError("SLUICE_QUERY", CUT_OFF);
  } catch (thrown) {
    throw asSluiceError(thrown, "SLUICE_QUERY", CUT_OFF);
  } finally {
    socket.destroy();
  }
}
async function* rowsOfAnswers(answers) {
  for await (const answer of answers) if ("rows" in answer) yield answer.rows;
}

export {
  openSql,
  allRows
};
//# sourceMappingURL=chunk-HM3HJJNC.js.map
