import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/pipeline/positions.ts
var Positions = class {
  #options;
  #parts;
  #partitions;
  #lostOffsets = 0;
  constructor(options, parts, partitions) {
    this.#options = options;
    this.#parts = parts;
    this.#partitions = partitions;
  }
  /** Offsets that were lost and skipped since the start of the process. */
  get lostOffsets() {
    return this.#lostOffsets;
  }
  /**
   * Decides where to read each partition from, and makes that durable.
   * @throws SluiceError SLUICE_OFFSET_OUT_OF_RANGE, SLUICE_TOPIC_CHANGED
   */
  async resolve(partitions) {
    const { topic } = this.#options;
    const ranges = await this.#ranges(partitions);
    const reasons = await this.#begin(
      partitions.filter((partition) => !this.#partitions.has(partition)),
      ranges
    );
    await this.#skipLost(this.#lost(partitions, ranges));
    const positions = partitions.map((partition) => this.#partitions.get(partition).committed);
    await this.#checkLogs(positions);
    const starts = positions.map(({ partition, nextOffset }) => {
      return [partition, { offset: nextOffset, from: reasons.get(partition) ?? "position" }];
    });
    this.#parts.log.info({ partitions: partitions.length, starts: Object.fromEntries(starts) }, `reading ${topic}`);
    return { positions, ends: new Map([...ranges].map(([partition, { high }]) => [partition, high])) };
  }
  /** Whether Kafka has what is to be read next. */
  async inRange() {
    const read = [...this.#partitions.all].filter(({ nextOffset }) => nextOffset !== void 0);
    const ranges = await this.#ranges(read.map(({ number }) => number));
    return read.every(({ number, nextOffset = 0 }) => {
      const { low, high } = ranges.get(number);
      return nextOffset >= low && nextOffset <= high;
    });
  }
  async #ranges(partitions) {
    const ranges = await Promise.all(partitions.map((partition) => this.#parts.source.offsetRange(partition)));
    return new Map(partitions.map((partition, index) => [partition, ranges[index]]));
  }
  /** Makes the positions of new partitions. @returns why each of them begins where it does */
  async #begin(partitions, ranges) {
    if (partitions.length === 0) return /* @__PURE__ */ new Map();
    const starts = await this.#starts(partitions, ranges);
    await this.#parts.sink.initPositions(starts);
    this.#partitions.note(
      starts.map(({ partition, nextOffset }) => {
        return { partition, nextOffset, leaderEpoch: void 0, watermark: void 0 };
      })
    );
    return new Map(starts.map(({ partition, reason }) => [partition, reason]));
  }
  async #starts(partitions, ranges) {
    const { topic, startFrom } = this.#options;
    const { source, log } = this.#parts;
    const isFirst = this.#partitions.size === 0;
    const committed = isFirst && startFrom === "group" ? await source.committed(partitions) : /* @__PURE__ */ new Map();
    return partitions.map((partition) => {
      const { low, high } = ranges.get(partition);
      if (!isFirst) return { partition, nextOffset: low, reason: "new_partition" };
      if (startFrom === "latest") return { partition, nextOffset: high, reason: "latest" };
      const offset = committed.get(partition);
      if (offset !== void 0 && offset >= low && offset <= high) {
        return { partition, nextOffset: offset, reason: "group" };
      }
      if (startFrom === "group") {
        const why = offset === void 0 ? "no offset" : `the offset ${offset}, and Kafka has ${low} to ${high}`;
        log.warn({ partition }, `the group has committed ${why}: ${topic} partition ${partition} begins at ${low}`);
      }
      return { partition, nextOffset: low, reason: "earliest" };
    });
  }
  /** @throws SluiceError SLUICE_TOPIC_CHANGED for a position beyond the log, SLUICE_OFFSET_OUT_OF_RANGE with `fail` */
  #lost(partitions, ranges) {
    const gaps = [];
    for (const partition of partitions) {
      const { nextOffset } = this.#partitions.get(partition).committed;
      const { low, high } = ranges.get(partition);
      if (nextOffset > high) {
        throw this.#truncated(`partition ${partition}: the position is ${nextOffset}, Kafka has ${low} to ${high}`);
      }
      if (nextOffset < low) gaps.push({ partition, startOffset: nextOffset, nextOffset: low });
      if (nextOffset < low && this.#options.onLostOffsets === "fail") throw this.#gone(partition, nextOffset, ranges);
    }
    return gaps;
  }
  async #skipLost(gaps) {
    if (gaps.length === 0) return;
    const { sink, metrics, log } = this.#parts;
    this.#partitions.note(await sink.recordGaps(gaps));
    const { topic } = this.#options;
    for (const { partition, startOffset, nextOffset } of gaps) {
      const lost = nextOffset - startOffset;
      this.#lostOffsets += lost;
      metrics.lostOffsets.inc({ partition }, lost);
      log.error(
        { topic, partition, startOffset, nextOffset, lost },
        `lost: Kafka deleted ${lost} offsets of ${topic} partition ${partition}, ${startOffset} up to ${nextOffset}, before they were read; the ledger has a gap there`
      );
    }
  }
  /** @throws SluiceError SLUICE_TOPIC_CHANGED if a log has other messages now below its position */
  async #checkLogs(positions) {
    if (positions.every(({ leaderEpoch }) => leaderEpoch === void 0)) return;
    const truncated = (await this.#parts.source.inspect(positions)).filter((state) => state.truncated);
    if (truncated.length === 0) return;
    const [{ partition, low, high }] = truncated;
    const { nextOffset } = this.#partitions.get(partition).committed;
    throw this.#truncated(
      `partition ${partition}: below the position ${nextOffset} there are other messages now than were read (Kafka has ${low} to ${high})`
    );
  }
  #gone(partition, nextOffset, ranges) {
    const { low, high } = ranges.get(partition);
    return new SluiceError(
      "SLUICE_OFFSET_OUT_OF_RANGE",
      `${this.#options.topic} partition ${partition}: the position ${nextOffset} is before what Kafka has, ${low} to ${high}: ${low - nextOffset} offsets were deleted before they were read (retention). Nothing was skipped. To continue without them, with a gap in the ledger, run with --on-lost-offsets gap`
    );
  }
  #truncated(what) {
    return new SluiceError(
      "SLUICE_TOPIC_CHANGED",
      `the log of ${this.#options.topic} was truncated: ${what}. Brokers lost messages that are in DATA_DIR (an unclean leader election, or a lost disk). Nothing was skipped, and the data stays readable with query. Give the topic as it is now a DATA_DIR of its own, or bring the log back`
    );
  }
};

export {
  Positions
};
//# sourceMappingURL=chunk-KITCKQRO.js.map
