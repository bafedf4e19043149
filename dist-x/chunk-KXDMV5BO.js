import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  oneOf,
  setting
} from "./chunk-XAGLG5OY.js";
import {
  object
} from "./chunk-JJ6JF4DP.js";

// src/core/log.ts
import { writeSync } from "node:fs";
import pino from "pino";
import { prettyFactory } from "pino-pretty";
var logSettings = object({
  level: setting(
    "LOG_LEVEL",
    "`trace` to `fatal`, or `silent`",
    oneOf(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).prefault("info")
  ),
  format: setting(
    "LOG_FORMAT",
    "logs go to stderr",
    oneOf(["pretty", "json"]).optional(),
    "`pretty` on a terminal, else `json`"
  )
});
var STDERR = 2;
var RETRY_MS = 10;
function createLogger(options) {
  const settings = { level: options.level, base: void 0, timestamp: pino.stdTimeFunctions.isoTime };
  const lines = new LineWriter(STDERR);
  if (options.format === "json") return pino(settings, lines);
  const format = prettyFactory({ ignore: "pid,hostname", translateTime: "HH:MM:ss.l" });
  return pino(settings, { write: (line) => lines.write(format(line)) });
}
var LineWriter = class {
  #descriptor;
  #pause = new Int32Array(new SharedArrayBuffer(4));
  /** Whether a part of the last line is missing: the next one begins on a line of its own. */
  #isCut = false;
  constructor(descriptor) {
    this.#descriptor = descriptor;
  }
  write(line) {
    const bytes = Buffer.from(this.#isCut ? `
${line}` : line);
    let written = 0;
    while (written < bytes.length) {
      try {
        written += writeSync(this.#descriptor, bytes, written);
      } catch (error) {
        if (error.code !== "EAGAIN") break;
        Atomics.wait(this.#pause, 0, 0, RETRY_MS);
      }
    }
    if (written > 0) this.#isCut = written < bytes.length;
  }
};
function logRemoved(log, removed) {
  for (const { file, why } of removed) log.warn({ file, why }, `removed ${file}: ${why}`);
}

export {
  logSettings,
  createLogger,
  logRemoved
};
//# sourceMappingURL=chunk-KXDMV5BO.js.map
