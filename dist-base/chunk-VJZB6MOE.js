import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  STATUSES
} from "./chunk-TH4FY7UR.js";

// src/commands/parse-stats.ts
var LABEL_COLUMNS = 18;
var COUNT_COLUMNS = 16;
var ParseStats = class {
  #counts = Object.fromEntries(STATUSES.map((status) => [status, 0]));
  #bytes = 0;
  #rowsLearned = 0;
  #milliseconds = 0;
  /** @param milliseconds which the kernel took for it */
  add({ counts, rowsLearned }, bytes, milliseconds) {
    for (const status of STATUSES) this.#counts[status] += counts[status];
    this.#bytes += bytes;
    this.#rowsLearned += rowsLearned;
    this.#milliseconds += milliseconds;
  }
  /** A message that was too large to be kept. */
  addTooLarge() {
    this.#counts.too_large++;
  }
  /** A line per number. Statuses that no message has are left out. */
  text() {
    const rows = STATUSES.reduce((sum, status) => sum + this.#counts[status], 0);
    const share = (part) => rows === 0 ? "" : `${(100 * part / rows).toFixed(2).padStart(8)}%`;
    const line = (label, value, more = "") => `${label.padEnd(LABEL_COLUMNS)}${value.padStart(COUNT_COLUMNS)}${more}
`;
    const numberLine = (label, value) => line(label, value.toLocaleString("en-US"));
    const shareLine = (label, value) => line(label, value.toLocaleString("en-US"), share(value));
    const speed = this.#milliseconds === 0 ? 0 : this.#bytes / this.#milliseconds / 1e6;
    return [
      numberLine("messages", rows),
      numberLine("bytes", this.#bytes),
      ...STATUSES.filter((status) => this.#counts[status] > 0).map((status) => shareLine(status, this.#counts[status])),
      shareLine("learned", this.#rowsLearned),
      line("kernel", `${this.#milliseconds.toFixed(1)} ms`),
      line("speed", `${speed.toFixed(2)} GB/s`)
    ].join("");
  }
};

export {
  ParseStats
};
//# sourceMappingURL=chunk-VJZB6MOE.js.map
