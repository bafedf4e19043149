import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  DataChunks
} from "../chunk-VXPIH4PZ.js";
import "../chunk-KYH7TSYC.js";
import {
  copyToParquet
} from "../chunk-372E3WHQ.js";
import "../chunk-CD75S7PK.js";
import "../chunk-XA52K7QX.js";
import {
  require_lib
} from "../chunk-ZIERCETT.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-OOJGYMCI.js";
import {
  __toESM
} from "../chunk-YJDLZ72D.js";

// src/parquet/duckdb-writer.ts
var import_node_api = __toESM(require_lib(), 1);
var TABLE_FUNCTION = "record_batches";
var DuckDbWriter = class _DuckDbWriter {
  #compression;
  #instance;
  #connection;
  #chunks;
  constructor(options, instance, connection) {
    this.#compression = options.compression;
    this.#instance = instance;
    this.#connection = connection;
    this.#chunks = new DataChunks(options.spec, options.stringForms);
    const { columns } = this.#chunks;
    connection.registerTableFunction(
      import_node_api.DuckDBTableFunction.create({
        name: TABLE_FUNCTION,
        bindFunction: (info) => {
          for (const { name, type } of columns) info.addResultColumn(name, type);
        },
        initFunction: () => this.#chunks.rewind(),
        mainFunction: (_, chunk) => void this.#chunks.next(chunk)
      })
    );
  }
  static async open(options) {
    const instance = await import_node_api.DuckDBInstance.create(":memory:", {
      threads: "1",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false"
    });
    return new _DuckDbWriter(options, instance, await instance.connect());
  }
  async write(recordBatches, path, metadata) {
    this.#chunks.load(recordBatches);
    await copyToParquet(this.#connection, `${TABLE_FUNCTION}()`, path, { compression: this.#compression, metadata });
  }
  async close() {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
};
export {
  DuckDbWriter
};
//# sourceMappingURL=duckdb-writer.js.map
