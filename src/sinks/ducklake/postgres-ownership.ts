/**
 * Ownership of partitions where the catalog is in Postgres, which enforces it inside of the transaction that makes a
 * commit visible: DuckLake writes all of a commit in one transaction, the row about what it changed among it, and a
 * trigger on that row's table compares and changes the number of the last commit and the position of each partition.
 *
 *   owner    … INSERT INTO ducklake_snapshot_changes ─▶ trigger ─▶ commit number + 1, positions moved ─▶ COMMIT
 *   zombie   … INSERT INTO ducklake_snapshot_changes ─▶ trigger ─▶ other epoch, or other position ─▶ ROLLBACK
 *
 * Of all transactions of the lake it compares the number of the snapshot: DuckLake notices by it that another one was
 * faster, and gives a number again whose snapshots have expired meanwhile.
 *
 * Two transactions that change the same row cannot both commit from the same state: under READ COMMITTED the second
 * waits and sees the first one's change, under REPEATABLE READ it fails, and DuckLake tries again from the new state.
 * docs/lake.md says why that is enough.
 *
 * A lock keeps processes from doing a commit's work in vain. Nothing rests on it: it is given up by a process that
 * stands still, and a process that does not get it goes on without.
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { literal } from '../../core/sql.js';
import {
  AUTHOR,
  type LastCommit,
  type Outcome,
  type OwnedMove,
  type OwnedPartition,
  type Ownership,
} from './ownership.js';
import { COMMIT_LOCK, executeOnServer, type LockTimes, queryServer, withLock } from './postgres-server.js';

const COMMIT_TIMES: LockTimes = { waitMs: 10_000, standstillMs: 30_000 };
/** This process commits nothing while it waits. */
const NO_COMMIT_TIMES: LockTimes = { waitMs: 5_000, standstillMs: 30_000 };

/** One more with each change of GUARD. A newer one must do for commits of older releases, which leave it alone. */
const GUARD_VERSION = 2;

/** Made with the lake, by each process that finds none, or an older one. */
const GUARD = `
CREATE SCHEMA IF NOT EXISTS sluice;
CREATE TABLE IF NOT EXISTS sluice.last_commit (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only), commit_id bigint NOT NULL, max_change_seq numeric);
INSERT INTO sluice.last_commit (commit_id) VALUES (0) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS sluice.last_snapshot (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only), snapshot_id bigint NOT NULL);
INSERT INTO sluice.last_snapshot (snapshot_id) SELECT max(snapshot_id) FROM ducklake_snapshot
ON CONFLICT (is_only) DO UPDATE SET snapshot_id = excluded.snapshot_id;
CREATE TABLE IF NOT EXISTS sluice.owners (
  topic text, partition_id int, epoch bigint NOT NULL, next_offset bigint, owner text NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (topic, partition_id));
CREATE OR REPLACE FUNCTION sluice.claim(of_topic text, partitions int[], by_owner text)
RETURNS TABLE (partition_id int, epoch bigint) LANGUAGE sql AS $claim$
  INSERT INTO sluice.owners AS o (topic, partition_id, epoch, owner)
  SELECT of_topic, p, 1, by_owner FROM unnest(partitions) p ORDER BY p
  ON CONFLICT ON CONSTRAINT owners_pkey DO UPDATE SET epoch = o.epoch + 1, owner = by_owner, claimed_at = now()
  RETURNING o.partition_id, o.epoch
$claim$;
CREATE OR REPLACE FUNCTION sluice.check_commit() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog AS $check$
DECLARE
  info jsonb;
  move jsonb;
BEGIN
  -- From here to the end of the transaction it holds rows that the next one has to change.
  PERFORM set_config('idle_in_transaction_session_timeout', '15s', true);
  -- The number after the last snapshot that it knows of: others may have had it, and those after it, and be expired.
  -- What failed to serialize DuckLake would try again itself, without what has expired to compare with.
  BEGIN
    UPDATE sluice.last_snapshot SET snapshot_id = NEW.snapshot_id WHERE snapshot_id < NEW.snapshot_id;
    IF NOT FOUND THEN RAISE serialization_failure; END IF;
  EXCEPTION WHEN serialization_failure THEN
    RAISE EXCEPTION 'SLUICE_OVERTAKEN: snapshot %', NEW.snapshot_id;
  END;
  IF NEW.author IS DISTINCT FROM '${AUTHOR}' OR NEW.commit_extra_info IS NULL THEN RETURN NEW; END IF;
  info := NEW.commit_extra_info::jsonb;
  FOR move IN SELECT m FROM jsonb_array_elements(info -> 'partitions') m ORDER BY (m ->> 'partition')::int LOOP
    UPDATE sluice.owners SET next_offset = (move ->> 'next')::bigint
    WHERE topic = info ->> 'topic' AND partition_id = (move ->> 'partition')::int
      AND epoch = (move ->> 'epoch')::bigint AND next_offset IS NOT DISTINCT FROM (move ->> 'start')::bigint;
    IF NOT FOUND THEN RAISE EXCEPTION 'SLUICE_FENCED: partition %', move ->> 'partition'; END IF;
  END LOOP;
  UPDATE sluice.last_commit SET commit_id = (info ->> 'commit')::bigint,
    max_change_seq = greatest(max_change_seq, (info ->> 'maxChangeSeq')::numeric)
  WHERE commit_id = (info ->> 'commit')::bigint - 1;
  IF NOT FOUND THEN RAISE EXCEPTION 'SLUICE_OVERTAKEN: commit %', info ->> 'commit'; END IF;
  RETURN NEW;
END $check$;
CREATE OR REPLACE TRIGGER sluice_check_commit BEFORE INSERT ON ducklake_snapshot_changes
FOR EACH ROW EXECUTE FUNCTION sluice.check_commit();
COMMENT ON TRIGGER sluice_check_commit ON ducklake_snapshot_changes IS 'version ${GUARD_VERSION}';`;

/** The version of what is there: 0 if there is none, or one without a version. */
const FOUND_VERSION = `
SELECT coalesce(max(substring(obj_description(oid, 'pg_trigger') FROM 'version (\\d+)')::int), 0) AS version
FROM pg_trigger WHERE tgname = 'sluice_check_commit' AND tgrelid = to_regclass('ducklake_snapshot_changes')`;

/** Whether the trigger refuses a commit because a partition is not its owner's any more. */
export function isFenced(thrown: unknown): boolean {
  return (thrown as Error).message.includes('SLUICE_FENCED: ');
}

export class PostgresOwnership implements Ownership {
  readonly isShared = true;
  readonly #topic: string;
  readonly #owner: string;
  readonly #connection: DuckDBConnection;
  /** Its transaction holds the lock. */
  readonly #locking: DuckDBConnection;

  private constructor(topic: string, owner: string, connection: DuckDBConnection, locking: DuckDBConnection) {
    this.#topic = topic;
    this.#owner = owner;
    this.#connection = connection;
    this.#locking = locking;
  }

  /**
   * While no other process opens the lake.
   * @param instance has the lake, whose tables are there
   * @param owner what this process is called where someone looks for it
   */
  static async open(instance: DuckDBInstance, topic: string, owner: string): Promise<PostgresOwnership> {
    const connection = await instance.connect();
    const [{ version }] = await queryServer(connection, FOUND_VERSION);
    if (Number(version) < GUARD_VERSION) await executeOnServer(connection, GUARD);
    // Who reads the catalog's tables by name, as `verify` does, finds those that are new.
    await connection.run('CALL pg_clear_cache()');
    return new PostgresOwnership(topic, owner, connection, await instance.connect());
  }

  async claim(partitions: readonly number[]): Promise<OwnedPartition[]> {
    const list = `ARRAY[${partitions.join(', ')}]::int[]`;
    const rows = await this.#query(
      `SELECT * FROM sluice.claim(${literal(this.#topic)}, ${list}, ${literal(this.#owner)})`,
    );
    return rows.map(({ partition_id, epoch }) => ({ partition: Number(partition_id), epoch: Number(epoch) }));
  }

  async epochs(): Promise<Map<number, number>> {
    const rows = await this.#query(
      `SELECT partition_id, epoch FROM sluice.owners WHERE topic = ${literal(this.#topic)}`,
    );
    return new Map(rows.map(({ partition_id, epoch }) => [Number(partition_id), Number(epoch)]));
  }

  exclusively<T>(work: (last: LastCommit) => Promise<T>): Promise<T> {
    return withLock(this.#locking, COMMIT_LOCK, COMMIT_TIMES, async () => await work(await this.#last()));
  }

  whileNoneCommits(work: () => Promise<void>): Promise<boolean> {
    return withLock(this.#locking, COMMIT_LOCK, NO_COMMIT_TIMES, async (isHeld) => {
      if (isHeld) await work();
      return isHeld;
    });
  }

  async outcomeOf(moves: readonly OwnedMove[]): Promise<Outcome> {
    const rows = await this.#query(
      `SELECT partition_id, epoch, next_offset FROM sluice.owners WHERE topic = ${literal(this.#topic)}`,
    );
    const found = new Map(rows.map((row) => [Number(row.partition_id), row]));
    const areAt = (offsetOf: (move: OwnedMove) => number | null) =>
      moves.every((move) => {
        const { epoch, next_offset } = found.get(move.partition) ?? {};
        return Number(epoch) === move.epoch && (next_offset === null ? null : Number(next_offset)) === offsetOf(move);
      });
    if (areAt(({ next }) => next)) return 'committed';
    return areAt(({ start }) => start) ? 'open' : 'fenced';
  }

  committed(): void {}

  close(): void {
    this.#locking.closeSync();
    this.#connection.closeSync();
  }

  async #last(): Promise<LastCommit> {
    const [last] = await this.#query(
      'SELECT commit_id, max_change_seq::text AS max_change_seq FROM sluice.last_commit',
    );
    const highest = last.max_change_seq as string | null;
    return { commit: Number(last.commit_id), maxChangeSeq: highest === null ? undefined : BigInt(highest) };
  }

  #query(sql: string): Promise<Record<string, unknown>[]> {
    return queryServer(this.#connection, sql);
  }
}
