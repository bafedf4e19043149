import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  isTransient
} from "./chunk-OPINGVEX.js";

// src/kafka/inspection.ts
var LOOK_BACK = 16;
var MESSAGES_PER_CALL = 64;
var POLL_MS = 20;
var TIMEOUT_MS = 1e4;
var Inspection = class {
  partition;
  state;
  /** First unread offset. */
  #target;
  /** Undefined if there is nothing to compare. */
  #epoch;
  #lookBack = LOOK_BACK;
  #foundBelow = false;
  #reachedTarget;
  constructor({ partition, low, high, position }) {
    const nextOffset = position?.nextOffset ?? low;
    this.partition = partition;
    this.state = { partition, low, high, unreadSince: void 0, truncated: nextOffset > high };
    this.#target = Math.max(low, nextOffset);
    this.#epoch = this.state.truncated || nextOffset <= low ? void 0 : position?.leaderEpoch;
    this.#reachedTarget = this.#epoch === void 0 && this.#target >= high;
  }
  /** Where reading starts. */
  get from() {
    return this.#epoch === void 0 ? this.#target : Math.max(this.state.low, this.#target - this.#lookBack);
  }
  get done() {
    return this.#reachedTarget && this.compared;
  }
  /** What is below the position is known, or cannot be known: nothing is left there. */
  get compared() {
    return this.#epoch === void 0 || this.#foundBelow || this.#reachedTarget && this.from === this.state.low;
  }
  add({ offset, timestamp, leaderEpoch }) {
    if (offset >= this.#target) {
      this.state.unreadSince ??= timestamp;
      this.#reachedTarget = true;
      return;
    }
    this.#foundBelow = true;
    if (leaderEpoch !== void 0 && this.#epoch !== void 0 && leaderEpoch > this.#epoch)
      this.state.truncated = true;
    if (offset === this.#target - 1 && this.#target >= this.state.high) this.#reachedTarget = true;
  }
  end() {
    this.#reachedTarget = true;
  }
  /** @returns whether it must be read again, from further back: no message was found below the position */
  widen() {
    if (!this.#reachedTarget || this.compared) return false;
    this.#reachedTarget = false;
    this.#lookBack *= LOOK_BACK;
    return true;
  }
};
async function inspectPartitions(consumer, topic, partitions, isInterrupted) {
  const inspections = new Map(partitions.map((partition) => [partition.partition, new Inspection(partition)]));
  const onEnd = ({ partition }) => inspections.get(partition)?.end();
  let progressMs = performance.now();
  consumer.on("partition.eof", onEnd);
  try {
    let assigned = 0;
    for (; ; ) {
      const open = [...inspections.values()].filter((inspection) => !inspection.done);
      if (open.length === 0 || isInterrupted() || performance.now() > progressMs + TIMEOUT_MS) break;
      const widened = open.filter((inspection) => inspection.widen()).length;
      if (widened > 0 || open.length !== assigned) {
        progressMs = performance.now();
        consumer.assign(open.map(({ partition, from }) => ({ topic, partition, offset: from })));
        assigned = open.length;
      }
      for (const message of await consume(consumer)) inspections.get(message.partition)?.add(message);
    }
  } finally {
    consumer.removeListener("partition.eof", onEnd);
  }
  const all = [...inspections.values()];
  return {
    states: all.map(({ state }) => state),
    unknown: all.filter(({ compared }) => !compared).map(({ partition }) => partition)
  };
}
async function consume(consumer) {
  consumer.setDefaultConsumeTimeout(POLL_MS);
  return new Promise((resolve, reject) => {
    consumer.consume(MESSAGES_PER_CALL, (error, messages) => {
      if (error === null) resolve(messages);
      else if (isTransient(error)) resolve([]);
      else reject(error);
    });
  });
}

export {
  inspectPartitions
};
//# sourceMappingURL=chunk-T7MP2WJJ.js.map
