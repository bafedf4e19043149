import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  DataChunks
} from "../../chunk-7KDQR242.js";
import "../../chunk-KYH7TSYC.js";
import {
  tableFromIPC
} from "../../chunk-TONEWEO2.js";
import {
  columnDefinitions
} from "../../chunk-6VYFZIUW.js";
import "../../chunk-MPPZZGPY.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import {
  require_lib
} from "../../chunk-ZIERCETT.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-6JEHCNW6.js";
import "../../chunk-Y3JUF4HW.js";
import "../../chunk-YDIRAWJT.js";
import {
  __toESM
} from "../../chunk-YJDLZ72D.js";

// src/sinks/duckdb/staging.ts
var import_node_api = __toESM(require_lib(), 1);
var ArrowStaging = class {
  /** @param table qualified name, `staging.rows_0` */
  constructor(connection, spec, catalog, table) {
    this.catalog = catalog;
    this.table = table;
    this.#connection = connection;
    this.#definitions = columnDefinitions(spec);
    this.#chunks = new DataChunks(spec);
    this.#chunk = import_node_api.DuckDBDataChunk.create(this.#chunks.columns.map(({ type }) => type));
  }
  catalog;
  table;
  #connection;
  #definitions;
  #chunks;
  #chunk;
  #appender;
  #batches = 0;
  relation(batches) {
    if (batches.length === this.#batches) return this.#name;
    const ranges = batches.map(
      ({ partition, startOffset, nextOffset }) => `(kafka_partition = ${partition} AND kafka_offset >= ${startOffset} AND kafka_offset < ${nextOffset})`
    );
    return `(FROM ${this.#name} WHERE ${ranges.join(" OR ")})`;
  }
  get #name() {
    return `${this.catalog}.${this.table}`;
  }
  async clear() {
    this.#batches = 0;
    this.#appender = void 0;
    await this.#connection.run(`CREATE OR REPLACE TABLE ${this.#name} (${this.#definitions})`);
  }
  /** Appending copies the rows, text included. */
  async append({ arrow }) {
    this.#batches++;
    if (arrow === void 0) return;
    this.#appender ??= await this.#connection.createAppender(this.table, "main", this.catalog);
    this.#chunks.load(tableFromIPC(arrow).batches);
    for (this.#chunk.reset(); this.#chunks.next(this.#chunk) > 0; this.#chunk.reset()) {
      this.#appender.appendDataChunk(this.#chunk);
    }
  }
  flush() {
    this.#appender?.closeSync();
    this.#appender = void 0;
  }
};
export {
  ArrowStaging
};
//# sourceMappingURL=staging.js.map
