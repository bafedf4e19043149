/** The positions against the topic. */
import type { TopicIdentity } from '../core/flow.js';
import type { PartitionState, ReadPosition } from '../core/source.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import { type CheckResult, counted, MAX_PROBLEMS } from './check.js';

/** What the checks ask of a topic. */
export interface KafkaTopic {
  identity(): Promise<TopicIdentity>;
  /** All partitions of the topic, also those without a position. */
  inspect(positions: readonly ReadPosition[]): Promise<readonly PartitionState[]>;
}

interface Position extends ReadPosition {
  readonly firstOffset: number;
  readonly reason: string;
}

/** Names of the checks, for what is said when Kafka cannot be asked. */
export const KAFKA_CHECKS = {
  identity: 'the topic is the one that the data directory is filled from',
  partitions: 'every partition of the topic has a position',
  range: 'each position is within what Kafka has',
  start: 'no messages before the start of a partition were left out',
} as const;

/**
 * Compares the positions with what Kafka has.
 * @param startFrom START_FROM: a start that it does not explain is a problem
 */
export async function* kafkaChecks(
  client: SqlClient,
  topic: KafkaTopic,
  startFrom: string,
): AsyncGenerator<CheckResult> {
  const [meta] = await allRows(client, 'FROM sluice.meta');
  yield identityCheck(meta, await topic.identity());
  const positions = await readPositions(client, Number(meta.format_version));
  const partitions = await topic.inspect([...positions.values()]);
  yield partitionsCheck(positions, partitions);
  yield rangeCheck(positions, partitions);
  yield startCheck(positions, partitions, startFrom);
}

/** By partition. In directories of format 1, what the upgrade to format 2 would give them. */
async function readPositions(client: SqlClient, format: number): Promise<Map<number, Position>> {
  const upgraded = `SELECT partition_id, next_offset, NULL AS leader_epoch, 'unknown' AS start_reason,
      coalesce(b.first, next_offset) AS first_offset
    FROM sluice.positions
    LEFT JOIN (SELECT partition_id, min(start_offset) AS first FROM sluice.batches GROUP BY ALL) b
    USING (partition_id)`;
  const current = 'SELECT partition_id, next_offset, leader_epoch, start_reason, first_offset FROM sluice.positions';
  const rows = await allRows(client, `${format < 2 ? upgraded : current} ORDER BY partition_id`);
  const positions = rows.map((row) => ({
    partition: Number(row.partition_id),
    nextOffset: Number(row.next_offset),
    leaderEpoch: row.leader_epoch === null ? undefined : Number(row.leader_epoch),
    firstOffset: Number(row.first_offset),
    reason: String(row.start_reason),
  }));
  return new Map(positions.map((position) => [position.partition, position]));
}

function identityCheck(meta: Readonly<Record<string, unknown>>, topic: TopicIdentity): CheckResult {
  const problems: string[] = [];
  const notes: string[] = [];
  const pairs = [
    ['the cluster', meta.cluster_id, topic.clusterId],
    ['the topic', meta.topic_id, topic.topicId],
  ] as const;
  for (const [what, known, found] of pairs) {
    if (found === undefined) notes.push(`the brokers do not give ${what} an id: its name is all that is compared`);
    else if (known === null || known === undefined) {
      notes.push(`the data directory does not know the id of ${what} yet; the next "sluice run" takes ${found}`);
    } else if (known !== found) {
      problems.push(`${what} has the id ${found}, the data directory is filled from ${known}: it was made anew`);
    }
  }
  return { name: KAFKA_CHECKS.identity, problems, notes };
}

function partitionsCheck(positions: ReadonlyMap<number, Position>, partitions: readonly PartitionState[]): CheckResult {
  const problems: string[] = [];
  const notes: string[] = [];
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
    notes: notes.slice(0, MAX_PROBLEMS),
  };
}

function rangeCheck(positions: ReadonlyMap<number, Position>, partitions: readonly PartitionState[]): CheckResult {
  const problems: string[] = [];
  const notes: string[] = [];
  for (const { partition, low, high, unreadSince, truncated } of partitions) {
    const nextOffset = positions.get(partition)?.nextOffset;
    if (nextOffset === undefined) continue;
    if (nextOffset < low || nextOffset > high) {
      problems.push(`partition ${partition}: the position is ${nextOffset}, Kafka has ${low} to ${high}`);
    } else if (truncated) {
      problems.push(
        `partition ${partition}: the log was truncated below the position ${nextOffset}, and written again`,
      );
    } else if (nextOffset < high) {
      const since = unreadSince === undefined ? '' : `, the oldest from ${new Date(unreadSince).toISOString()}`;
      notes.push(`partition ${partition}: ${counted(high - nextOffset, 'message')} unread${since}`);
    }
  }
  return { name: KAFKA_CHECKS.range, problems: problems.slice(0, MAX_PROBLEMS), notes };
}

/** The first offset of a log only grows: one that is below where a partition began was there then. */
function startCheck(
  positions: ReadonlyMap<number, Position>,
  partitions: readonly PartitionState[],
  startFrom: string,
): CheckResult {
  const problems: string[] = [];
  const notes: string[] = [];
  for (const { partition, low } of partitions) {
    const { firstOffset, reason } = positions.get(partition) ?? { firstOffset: low, reason: '' };
    if (firstOffset <= low) continue;
    const began = `partition ${partition} began at ${firstOffset} (${reason})`;
    const text = `${began}; Kafka has offsets ${low} to ${firstOffset}`;
    if (reason === startFrom && reason !== 'earliest') notes.push(`${text}, left out by START_FROM=${startFrom}`);
    else if (reason === 'reset') notes.push(`${text}, which an operator left out with "sluice reset"`);
    else if (reason === 'unknown') notes.push(`${text}, which are not in the data directory`);
    else problems.push(`${text}, which START_FROM=${startFrom} does not leave out`);
  }
  return { name: KAFKA_CHECKS.start, problems: problems.slice(0, MAX_PROBLEMS), notes: notes.slice(0, MAX_PROBLEMS) };
}
