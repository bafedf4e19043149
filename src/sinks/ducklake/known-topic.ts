/** What a lake remembers of its topic. Of several processes that start at once, the first one's word counts. */
import { setTimeout } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { KnownTopic } from '../../core/flow.js';
import { rowsOf } from '../../core/sql.js';
import { readIdentity, writeIdentity } from '../duckdb/ledger.js';
import { isLakeConflict } from './lake-errors.js';

/** How often others may be faster: each of them says something once. */
const MAX_CONFLICTS = 20;
const MAX_PAUSE_MS = 200;

export async function readKnownTopic(connection: DuckDBConnection): Promise<KnownTopic> {
  const [meta] = await rowsOf(connection, 'SELECT first_partitions FROM sluice.meta');
  const firstPartitions = (meta?.first_partitions as number | null | undefined) ?? undefined;
  return { ...(await readIdentity(connection)), firstPartitions };
}

/**
 * Adds what is not known yet.
 * @returns what is known then
 * @throws what DuckDB throws
 */
export async function rememberTopic(connection: DuckDBConnection, found: KnownTopic): Promise<KnownTopic> {
  for (let conflicts = 0; ; conflicts++) {
    await connection.run('BEGIN');
    try {
      const known = await readKnownTopic(connection);
      const { clusterId = found.clusterId, topicId = found.topicId, firstPartitions = found.firstPartitions } = known;
      const topic = { clusterId, topicId, firstPartitions };
      const isNew = (['clusterId', 'topicId', 'firstPartitions'] as const).some((name) => topic[name] !== known[name]);
      if (isNew) {
        await writeIdentity(connection, topic);
        await connection.run(`UPDATE sluice.meta SET first_partitions = ${firstPartitions ?? 'NULL'}`);
      }
      await connection.run('COMMIT');
      return topic;
    } catch (thrown) {
      await connection.run('ROLLBACK').catch(() => {});
      if (!isLakeConflict(thrown) || conflicts === MAX_CONFLICTS) throw thrown;
      await setTimeout(Math.random() * MAX_PAUSE_MS);
    }
  }
}
