import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  MAX_PROBLEMS,
  counted
} from "./chunk-UFKKNCBU.js";
import {
  allRows
} from "./chunk-HM3HJJNC.js";

// src/verify/kafka.ts
var KAFKA_CHECKS = {
  identity: "the topic is the one that the data directory is filled from",
  partitions: "every partition of the topic has a position",
  range: "each position is within what Kafka has",
  start: "no messages before the start of a partition were left out"
};
async function* kafkaChecks(client, topic, startFrom) {
  const [meta] = await allRows(client, "FROM sluice.meta");
  yield identityCheck(meta, await topic.identity());
  const positions = await readPositions(client, Number(meta.format_version));
  const partitions = await topic.inspect([...positions.values()]);
  yield partitionsCheck(positions, partitions);
  yield rangeCheck(positions, partitions);
  yield startCheck(positions, partitions, startFrom);
}
async function readPositions(client, format) {
  const upgraded = `SELECT partition_id, next_offset, NULL AS leader_epoch, 'unknown' AS start_reason,
      coalesce(b.first, next_offset) AS first_offset
    FROM sluice.positions
    LEFT JOIN (SELECT partition_id, min(start_offset) AS first FROM sluice.batches GROUP BY ALL) b
    USING (partition_id)`;
  const current = "SELECT partition_id, next_offset, leader_epoch, start_reason, first_offset FROM sluice.positions";
  const rows = await allRows(client, `${format < 2 ? upgraded : current} ORDER BY partition_id`);
  const positions = rows.map((row) => ({
    partition: Number(row.partition_id),
    nextOffset: Number(row.next_offset),
    leaderEpoch: row.leader_epoch === null ? void 0 : Number(row.leader_epoch),
    firstOffset: Number(row.first_offset),
    reason: String(row.start_reason)
  }));
  return new Map(positions.map((position) => [position.partition, position]));
}
function identityCheck(meta, topic) {
  const problems = [];
  const notes = [];
  const pairs = [
    ["the cluster", meta.cluster_id, topic.clusterId],
    ["the topic", meta.topic_id, topic.topicId]
  ];
  for (const [what, known, found] of pairs) {
    if (found === void 0) notes.push(`the brokers do not give ${what} an id: its name is all that is compared`);
    else if (known === null || known === void 0) {
      notes.push(`the data directory does not know the id of ${what} yet; the next "sluice run" takes ${found}`);
    } else if (known !== found) {
      problems.push(`${what} has the id ${found}, the data directory is filled from ${known}: it was made anew`);
    }
  }
  return { name: KAFKA_CHECKS.identity, problems, notes };
}
function partitionsCheck(positions, partitions) {
  const problems = [];
  const notes = [];
  const existing = new Set(partitions.map(({ partition }) => partition));
  for (const { partition, low, high } of partitions) {
    if (positions.has(partition)) continue;
    if (high === low) notes.push(`partition ${partition} is empty and has no position yet`);
    else problems.push(`partition ${partition}: nothing was read of offsets ${low} to ${high}`);
  }
  for (const { partition, nextOffset } of positions.values()) {
    if (!existing.has(partition))
      problems.push(`partition ${partition}, read up to ${nextOffset}, is not in the topic`);
  }
  return {
    name: KAFKA_CHECKS.partitions,
    problems: problems.slice(0, MAX_PROBLEMS),
    notes: notes.slice(0, MAX_PROBLEMS)
  };
}
function rangeCheck(positions, partitions) {
  const problems = [];
  const notes = [];
  for (const { partition, low, high, unreadSince, truncated } of partitions) {
    const nextOffset = positions.get(partition)?.nextOffset;
    if (nextOffset === void 0) continue;
    if (nextOffset < low || nextOffset > high) {
      problems.push(`partition ${partition}: the position is ${nextOffset}, Kafka has ${low} to ${high}`);
    } else if (truncated) {
      problems.push(
        `partition ${partition}: the log was truncated below the position ${nextOffset}, and written again`
      );
    } else if (nextOffset < high) {
      const since = unreadSince === void 0 ? "" : `, the oldest from ${new Date(unreadSince).toISOString()}`;
      notes.push(`partition ${partition}: ${counted(high - nextOffset, "message")} unread${since}`);
    }
  }
  return { name: KAFKA_CHECKS.range, problems: problems.slice(0, MAX_PROBLEMS), notes };
}
function startCheck(positions, partitions, startFrom) {
  const problems = [];
  const notes = [];
  for (const { partition, low } of partitions) {
    const { firstOffset, reason } = positions.get(partition) ?? { firstOffset: low, reason: "" };
    if (firstOffset <= low) continue;
    const began = `partition ${partition} began at ${firstOffset} (${reason})`;
    const text = `${began}; Kafka has offsets ${low} to ${firstOffset}`;
    if (reason === startFrom && reason !== "earliest") notes.push(`${text}, left out by START_FROM=${startFrom}`);
    else if (reason === "unknown") notes.push(`${text}, which are not in the data directory`);
    else problems.push(`${text}, which START_FROM=${startFrom} does not leave out`);
  }
  return { name: KAFKA_CHECKS.start, problems: problems.slice(0, MAX_PROBLEMS), notes: notes.slice(0, MAX_PROBLEMS) };
}

export {
  KAFKA_CHECKS,
  kafkaChecks
};
//# sourceMappingURL=chunk-PFXLSM5G.js.map
