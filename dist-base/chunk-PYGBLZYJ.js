import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  assert
} from "./chunk-OOJGYMCI.js";

// src/pipeline/partition.ts
var Partition = class {
  #log;
  #committed;
  #committedAtMs = performance.now();
  /** The next offset to be read; undefined while this process does not read the partition. */
  nextOffset;
  openBatch;
  /** Batches that are not staged yet, in offset order. */
  inFlight = [];
  /** Where the run stops; undefined if it does not stop there. */
  endOffset;
  constructor(log, position) {
    this.#log = log;
    this.#committed = position;
  }
  get number() {
    return this.#committed.partition;
  }
  /** Where it stands in the sink. */
  get committed() {
    return this.#committed;
  }
  /** When that was noted last; `performance.now()`. */
  get committedAtMs() {
    return this.#committedAtMs;
  }
  /** Messages in the log after what was read; 0 if it is not read or the end is unknown. */
  get lag() {
    return this.nextOffset === void 0 ? 0 : this.#log.lag(this.number, this.nextOffset);
  }
  /** Messages in the log after what was committed. */
  get uncommitted() {
    return this.#log.lag(this.number, this.#committed.nextOffset);
  }
  /** Whether it was read up to where the run stops. */
  get hasReachedEnd() {
    return this.endOffset === void 0 || (this.nextOffset ?? -1) >= this.endOffset;
  }
  /** Notes where it stands in the sink. */
  moveTo(position) {
    this.#committed = position;
    this.#committedAtMs = performance.now();
  }
};
var Partitions = class {
  #log;
  #byNumber = /* @__PURE__ */ new Map();
  constructor(log) {
    this.#log = log;
  }
  /** In the order in which they became known. */
  get all() {
    return this.#byNumber.values();
  }
  get size() {
    return this.#byNumber.size;
  }
  has(number) {
    return this.#byNumber.has(number);
  }
  /** One that the sink knows. */
  get(number) {
    const partition = this.#byNumber.get(number);
    assert(partition !== void 0, `partition ${number} is assigned`);
    return partition;
  }
  /** Messages in the log after what was read, over all partitions. */
  get lag() {
    let messages = 0;
    for (const partition of this.all) messages += partition.lag;
    return messages;
  }
  /** Messages in the log after what was committed, of those that are read. */
  get backlog() {
    let messages = 0;
    for (const { nextOffset, uncommitted } of this.all) if (nextOffset !== void 0) messages += uncommitted;
    return messages;
  }
  /** Messages in open batches. */
  get openRows() {
    let rows = 0;
    for (const { openBatch } of this.all) rows += openBatch?.rows ?? 0;
    return rows;
  }
  /** Notes where partitions stand in the sink. */
  note(positions) {
    for (const position of positions) {
      const known = this.#byNumber.get(position.partition);
      if (known !== void 0) known.moveTo(position);
      else this.#byNumber.set(position.partition, new Partition(this.#log, position));
    }
  }
};

export {
  Partition,
  Partitions
};
//# sourceMappingURL=chunk-PYGBLZYJ.js.map
