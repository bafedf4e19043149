import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/kafka/packed-reader.ts
var NATIVE_METHOD = "consumePacked";
var PackedReader = class {
  kind = "packed";
  #native;
  /** @param consumer one for which `isSupported` holds */
  constructor(consumer) {
    this.#native = nativeOf(consumer);
  }
  /** Whether the addon was compiled with `consumePacked`. */
  static isSupported(consumer) {
    return typeof nativeOf(consumer)[NATIVE_METHOD] === "function";
  }
  /** Nothing is kept here: the client forgets what it holds back when it is assigned again. */
  reset() {
  }
  /** @throws LibrdKafkaError */
  async fill(chunk, timeoutMs) {
    const result = await new Promise((resolve, reject) => {
      this.#native.consumePacked(chunk.views, chunk.rowLimit, timeoutMs, (error, done) => {
        if (error) reject(error);
        else resolve(done);
      });
    });
    switch (result.kind) {
      case "rows": {
        const { partition, rows, valueBytes, keyBytes, leaderEpoch } = result;
        chunk.rows = rows;
        chunk.valueBytes = valueBytes;
        chunk.keyBytes = keyBytes;
        return { kind: "rows", partition, rows, nextOffset: Number(chunk.views.offsets[rows - 1]) + 1, leaderEpoch };
      }
      case "end":
        return { kind: "eof", partition: result.partition, nextOffset: result.offset };
      case "oversize": {
        const { partition, valueBytes, keyBytes } = result;
        return { kind: "oversize", partition, valueBytes, keyBytes };
      }
      case "idle":
        return result;
    }
  }
};
function nativeOf(consumer) {
  return consumer._client;
}

export {
  NATIVE_METHOD,
  PackedReader
};
//# sourceMappingURL=chunk-D6KRNQUS.js.map
