import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/core/output.ts
import { createWriteStream } from "node:fs";
import { Socket } from "node:net";
var OutputClosed = class extends Error {
  name = "OutputClosed";
};
var READER_GONE = /* @__PURE__ */ new Set(["EPIPE", "ECONNRESET"]);
var Output = class {
  /** Whether a person looks at it. */
  isTerminal;
  /** Characters of a line of the terminal; undefined if there is none. */
  width;
  #name;
  #stream;
  #lastWrite = Promise.resolve();
  #failure;
  /** @param name what to call it in an error: stdout */
  constructor(stream, name) {
    this.#name = name;
    this.isTerminal = stream.isTTY === true;
    this.width = stream.columns;
    this.#stream = stream instanceof Socket ? stream : createWriteStream("", { fd: stream.fd, autoClose: false });
    for (const listened of /* @__PURE__ */ new Set([stream, this.#stream])) listened.on("error", () => {
    });
  }
  /**
   * Resolves when the operating system has taken everything. A caller that waits for it holds no more than one piece in
   * memory, however slowly the reader reads.
   * @throws OutputClosed when the reader is gone, SluiceError SLUICE_OUTPUT when the output cannot be written
   */
  write(piece) {
    const written = new Promise((resolve, reject) => {
      this.#stream.write(piece, (error) => {
        if (error) this.#failure ??= this.#describe(error);
        if (this.#failure) reject(this.#failure);
        else resolve();
      });
    });
    this.#lastWrite = written.catch(() => {
    });
    return written;
  }
  /** Does not wait, for callers that cannot: a failure shows when the output is drained. */
  writeLater(piece) {
    this.write(piece).catch(() => {
    });
  }
  /** Like `write`, for work that counts even without a reader: a reader that is gone is no error. */
  async writeIfOpen(piece) {
    try {
      await this.write(piece);
    } catch (thrown) {
      if (!(thrown instanceof OutputClosed)) throw thrown;
    }
  }
  /** Resolves when all that was written before is taken. @throws what the first write that failed threw */
  async drained() {
    await this.#lastWrite;
    if (this.#failure) throw this.#failure;
  }
  #describe(cause) {
    if (READER_GONE.has(cause.code ?? "")) return new OutputClosed(`the reader of ${this.#name} is gone`, { cause });
    const message = `${this.#name} cannot be written: ${cause.message}: the output is not complete`;
    return new SluiceError("SLUICE_OUTPUT", message, { cause });
  }
};

export {
  OutputClosed,
  Output
};
//# sourceMappingURL=chunk-DUKC2PQK.js.map
