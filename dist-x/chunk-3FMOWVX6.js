import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/pipeline/topic-guard.ts
var CONFIRM_TIMEOUT_MS = 1e3;
var NONE = { clusterId: void 0, topicId: void 0 };
var TopicGuard = class {
  #topic;
  #parts;
  #known = NONE;
  /** The last confirmation that was asked for, and the one of it that has not begun yet. */
  #last = Promise.resolve();
  #waiting;
  constructor(topic, parts) {
    this.#topic = topic;
    this.#parts = parts;
  }
  /** Takes over what the sink knows. */
  restore(identity) {
    this.#known = identity;
  }
  /**
   * Compares the topic with the one of the data directory, which learns what it does not know yet.
   * @throws SluiceError SLUICE_TOPIC_CHANGED, SLUICE_UNKNOWN_TOPIC, SLUICE_KAFKA
   */
  async check() {
    const found = await this.#parts.source.identity();
    this.#compare(found);
    const { clusterId = found.clusterId, topicId = found.topicId } = this.#known;
    if (clusterId === this.#known.clusterId && topicId === this.#known.topicId) return;
    this.#known = { clusterId, topicId };
    await this.#parts.sink.setIdentity(this.#known);
    this.#parts.log.info(this.#known, `from now on the data directory belongs to this topic ${this.#topic}`);
  }
  /**
   * Proves that what was read before this call is of the topic: ids do not come back, so a topic that has its id now
   * had it then. A request at a time, whatever number of batches waits for it. One that is not answered proves nothing,
   * and does not hold up what was read before the brokers went away; the next assignment or batch compares again.
   * @throws SluiceError SLUICE_TOPIC_CHANGED
   */
  confirm() {
    if (this.#known.topicId === void 0) return Promise.resolve();
    if (this.#waiting === void 0) {
      this.#waiting = this.#last.then(() => {
        this.#waiting = void 0;
        return this.#confirmNow();
      });
      this.#last = this.#waiting.catch(() => {
      });
    }
    return this.#waiting;
  }
  async #confirmNow() {
    let found;
    try {
      found = await this.#parts.source.identity(CONFIRM_TIMEOUT_MS);
    } catch (thrown) {
      this.#parts.log.debug({ error: thrown.message }, "cannot read the id of the topic");
      return;
    }
    this.#compare(found);
  }
  #compare(found) {
    const differing = ["clusterId", "topicId"].filter((id) => {
      const known = this.#known[id];
      return known !== void 0 && found[id] !== void 0 && known !== found[id];
    });
    if (differing.length === 0) return;
    const ids = differing.map((id) => `its ${NAMES[id]} is ${found[id]}, not ${this.#known[id]}`).join(", and ");
    throw new SluiceError(
      "SLUICE_TOPIC_CHANGED",
      `${this.#topic} is not the topic that DATA_DIR is filled from: ${ids}. Nothing of it was committed. The data stays as it is, and readable with query. Give this topic a DATA_DIR of its own, or point KAFKA_BROKERS and KAFKA_TOPIC back to the old one`
    );
  }
};
var NAMES = { clusterId: "cluster id", topicId: "topic id" };

export {
  TopicGuard
};
//# sourceMappingURL=chunk-3FMOWVX6.js.map
