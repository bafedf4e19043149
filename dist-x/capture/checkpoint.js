import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  CHECKPOINT_TOPIC_CONFIG,
  checkpointMessage,
  checkpointTopic,
  createTopics,
  isSole,
  parseCheckpoint,
  snapshotCheckpoint,
  tombstoneMessage
} from "../chunk-UUWHHKMF.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  CHECKPOINT_TOPIC_CONFIG,
  checkpointMessage,
  checkpointTopic,
  createTopics,
  isSole,
  parseCheckpoint,
  snapshotCheckpoint,
  tombstoneMessage
};
//# sourceMappingURL=checkpoint.js.map
