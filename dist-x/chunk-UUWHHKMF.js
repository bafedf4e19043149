import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  external_exports
} from "./chunk-JJ6JF4DP.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/capture/checkpoint.ts
import kafka from "@confluentinc/kafka-javascript";
var { ERRORS } = kafka.CODES;
var TIMEOUT_MS = 3e4;
var HEX_TIME = external_exports.string().regex(/^[0-9A-F]{16}$/);
var checkpointSchema = external_exports.object({
  version: external_exports.literal(1),
  /** The `_data` of the resume token after the last message; null before the first. */
  token: external_exports.string().nullable(),
  /** Seconds and increment, 16 hex digits: the first time to read if there is neither token nor snapshot. */
  clusterTime: HEX_TIME,
  /** A snapshot that was begun: its time, and the canonical extended JSON of the last `_id` it has. */
  snapshot: external_exports.object({ time: HEX_TIME, lastId: external_exports.string().nullable(), done: external_exports.boolean() }).optional(),
  /** Changes between these times were lost, and it was decided to continue without them. */
  gap: external_exports.object({ from: HEX_TIME, to: HEX_TIME }).optional()
});
var SOLE = { sole: true };
var CHECKPOINT_TOPIC_CONFIG = {
  "cleanup.policy": "compact",
  "segment.bytes": `${4 << 20}`,
  "segment.ms": "600000",
  "min.cleanable.dirty.ratio": "0.1"
};
function checkpointTopic(topic) {
  return `${topic}.tokens`;
}
function snapshotCheckpoint(time, lastId, done) {
  return { version: 1, token: null, clusterTime: time, snapshot: { time, lastId, done } };
}
function checkpointMessage(topic, source, record) {
  const value = Buffer.from(JSON.stringify({ ...record, ...SOLE }));
  return { topic: checkpointTopic(topic), partition: 0, key: source, value };
}
function tombstoneMessage(topic, source) {
  return { topic: checkpointTopic(topic), partition: 0, key: source, value: null };
}
function isSole(text) {
  try {
    return JSON.parse(text)?.sole === true;
  } catch {
    return false;
  }
}
function parseCheckpoint(text, topic) {
  try {
    return checkpointSchema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `the last record of ${topic} is not one of this version: ${text}; use the version that wrote it`;
    throw new SluiceError("SLUICE_KAFKA", message, { cause });
  }
}
async function createTopics({ brokers, properties }, topics) {
  const admin = kafka.AdminClient.create({ ...properties, "bootstrap.servers": brokers });
  try {
    for (const { name, config } of topics) {
      const topic = { topic: name, num_partitions: 1, replication_factor: -1, config: { ...config } };
      await new Promise((resolve, reject) => {
        admin.createTopic(
          topic,
          TIMEOUT_MS,
          (error) => error && error.code !== ERRORS.ERR_TOPIC_ALREADY_EXISTS ? reject(error) : resolve()
        );
      });
    }
  } catch (cause) {
    throw new SluiceError("SLUICE_KAFKA", `a topic of the capture cannot be made: ${cause.message}`, {
      cause
    });
  } finally {
    admin.disconnect();
  }
}

export {
  CHECKPOINT_TOPIC_CONFIG,
  checkpointTopic,
  snapshotCheckpoint,
  checkpointMessage,
  tombstoneMessage,
  isSole,
  parseCheckpoint,
  createTopics
};
//# sourceMappingURL=chunk-UUWHHKMF.js.map
