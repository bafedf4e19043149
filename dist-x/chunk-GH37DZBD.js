import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  TopicGuard
} from "./chunk-3FMOWVX6.js";
import {
  Positions
} from "./chunk-AJUKBJ3N.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/pipeline/assignment.ts
var OTHER_MEMBER_GRACE_MS = 6e4;
var Assignment = class {
  #options;
  #parts;
  #partitions;
  #guard;
  #positions;
  #assigned = [];
  /** It holds partitions, and all that the sink needs. */
  #isReading = false;
  #hadWholeTopic = false;
  /** While another member holds some of the topic. */
  #share;
  /** With `untilEnd`: where the run stops is decided. */
  #hasEnds = false;
  constructor(options, parts, partitions) {
    this.#options = options;
    this.#parts = parts;
    this.#partitions = partitions;
    this.#guard = new TopicGuard(options.topic, parts);
    this.#positions = new Positions(options, parts, partitions);
  }
  /** It has partitions, and reads them: all of the topic, unless the sink takes a share. */
  get isReading() {
    return this.#isReading;
  }
  /** Offsets that were lost and skipped since the start of the process. */
  get lostOffsets() {
    return this.#positions.lostOffsets;
  }
  /** With `untilEnd`: all partitions were read up to their ends. */
  get hasReachedEnd() {
    return this.#hasEnds && this.#isReading && [...this.#partitions.all].every((partition) => partition.hasReachedEnd);
  }
  /** Takes over what the sink knows at start. */
  restore({ identity }) {
    this.#guard.restore(identity);
  }
  /**
   * Resolves where to start reading.
   * @returns the start of each partition; none while another member of the group holds some of the topic
   * @throws SluiceError SLUICE_TOPIC_CHANGED, SLUICE_PARTIAL_ASSIGNMENT, SLUICE_OFFSET_OUT_OF_RANGE
   */
  async assign(partitions) {
    this.#stopReading();
    const { source, sink, log } = this.#parts;
    const { topic, untilEnd } = this.#options;
    await this.#guard.check();
    const all = await source.partitionCount();
    this.#isReading = partitions.length === all || !sink.needsWholeTopic;
    if (!this.#isReading) {
      const share = { assigned: partitions.length, all, sinceMs: this.#share?.sinceMs ?? performance.now() };
      if (!this.#hadWholeTopic) throw this.#partial(share);
      this.#share = share;
      log.warn(
        { assigned: partitions.length, partitions: all },
        `another member of the group reads ${topic}: waiting for it to leave`
      );
      return [];
    }
    this.#hadWholeTopic = true;
    this.#share = void 0;
    this.#partitions.note(await sink.claim(partitions));
    const { positions, ends } = await this.#positions.resolve(partitions);
    for (const { partition, nextOffset } of positions) {
      const read = this.#partitions.get(partition);
      read.nextOffset = nextOffset;
      if (untilEnd && !this.#hasEnds) read.endOffset = ends.get(partition);
    }
    this.#hasEnds ||= untilEnd;
    this.#assigned = partitions;
    return positions;
  }
  /**
   * Resolves where to continue with the partitions that are held. Before the group has given any, the topic alone is
   * looked at: its metadata may not have reached every broker yet.
   * @throws SluiceError SLUICE_TOPIC_CHANGED, SLUICE_UNKNOWN_TOPIC, SLUICE_OFFSET_OUT_OF_RANGE
   */
  async assignAgain() {
    if (this.#assigned.length > 0) return this.assign(this.#assigned);
    await this.#guard.check();
    return [];
  }
  /** Gives the partitions up, after all that was read of them is committed. */
  async revoke() {
    const { source, sink } = this.#parts;
    this.#stopReading();
    await sink.release(this.#assigned);
    this.#assigned = [];
    this.#isReading = false;
    source.unassign();
  }
  /** @throws SluiceError SLUICE_PARTIAL_ASSIGNMENT when another member stays */
  checkComplete() {
    if (this.#share === void 0 || performance.now() - this.#share.sinceMs < OTHER_MEMBER_GRACE_MS) return;
    throw this.#partial(this.#share);
  }
  /** Proves that what was read so far is of the topic. @throws SluiceError SLUICE_TOPIC_CHANGED */
  confirmTopic() {
    return this.#guard.confirm();
  }
  /** Whether Kafka has what is to be read next. */
  inRange() {
    return this.#positions.inRange();
  }
  /** Notes what a transaction committed, and tells the group, best effort. */
  committed(positions) {
    this.#partitions.note(positions);
    this.#parts.source.commit(new Map(positions.map(({ partition, nextOffset }) => [partition, nextOffset])));
  }
  #stopReading() {
    for (const partition of this.#partitions.all) partition.nextOffset = void 0;
  }
  #partial({ assigned, all }) {
    const { topic } = this.#options;
    return new SluiceError(
      "SLUICE_PARTIAL_ASSIGNMENT",
      `the group gives this process ${assigned} of ${all} partitions of ${topic}: another member reads the rest. A data directory needs all of them: stop the other process, or give this one a KAFKA_GROUP_ID of its own`
    );
  }
};

export {
  Assignment
};
//# sourceMappingURL=chunk-GH37DZBD.js.map
