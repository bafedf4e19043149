/** The closed list of operational failures, and what docs/errors.md says about each: `npm run docs`. */

export interface ErrorText {
  /** What it means: the end of the sentence "…, because …". */
  readonly meaning: string;
  /** A message as the program prints it after the code; test/e2e/errors.test.ts provokes each one. */
  readonly example: string;
  /** What to do, in Markdown. */
  readonly remedy: string;
}

/** A code is stable: alert rules and tests name it. */
export const ERROR_CODES = {
  SLUICE_CONFIG: {
    meaning: 'an environment variable, an option, an argument or the table spec is not acceptable',
    example: `the configuration is not acceptable:
  KAFKA_TOPIC="not a topic": must be a topic name: letters, digits, ".", "_" and "-", at most 249
  WORKERS="x": must be a whole number from 1 to 256`,
    remedy:
      'The message names each variable and what it may be; [configuration.md](configuration.md) and `sluice --help` ' +
      'have all of them, [table-spec.md](table-spec.md) has the table spec. Nothing was started.',
  },
  SLUICE_KAFKA_UNREACHABLE: {
    meaning: 'no Kafka broker answers, or each one refuses the connection, as for a wrong password or without TLS',
    example:
      'no broker of KAFKA_BROKERS=127.0.0.1:1 answers or takes the connection: 127.0.0.1:1/bootstrap: Connect to ' +
      'ipv4#127.0.0.1:1 failed: Connection refused; start it or correct KAFKA_BROKERS; if it expects TLS or ' +
      'SASL, set KAFKA_CONFIG_SECURITY_PROTOCOL',
    remedy:
      'The message has the reason of the last attempt. Start the broker, correct `KAFKA_BROKERS`, or set the ' +
      '`KAFKA_CONFIG_*` variables that it names. Only a start fails so: during a run, brokers may be gone for ' +
      'any time.',
  },
  SLUICE_KAFKA: {
    meaning: 'Kafka refused or failed a request for good: one that would be repeated in vain',
    example:
      'the topic orders refuses a message: Broker: Message size too large; set MAX_MESSAGE_BYTES below its ' +
      'max.message.bytes, or raise that',
    remedy:
      'The message has the answer of the broker, which says what to change: a limit of the topic, or an ACL. Start ' +
      'again after it: nothing is lost.',
  },
  SLUICE_UNKNOWN_TOPIC: {
    meaning: 'the topic does not exist, or was deleted during the run',
    example: 'the topic orders does not exist on 127.0.0.1:9092: create it, or set KAFKA_TOPIC',
    remedy:
      'Create the topic, or correct `KAFKA_TOPIC`. One that is made again under its name is another topic: ' +
      'see `SLUICE_TOPIC_CHANGED`.',
  },
  SLUICE_TOPIC_CHANGED: {
    meaning:
      'the topic is not the one that the data directory is filled from: it was deleted and made again under its ' +
      'name, the brokers are those of another cluster, or its log lost messages and has others at their offsets now',
    example:
      'orders is not the topic that DATA_DIR is filled from: its topic id is Vp1Hk3mTQeyc0rV2nJ9dXg, not ' +
      'Gk9Pq1HxR/yRFm3UJyYzfw. Nothing of it was committed. The data stays as it is, and readable with query. ' +
      'Give this topic a DATA_DIR of its own, or point KAFKA_BROKERS and KAFKA_TOPIC back to the old one',
    remedy:
      'Nothing of it was committed, and the data is readable with `sluice query`. Point `KAFKA_BROKERS` and ' +
      '`KAFKA_TOPIC` back to the old topic, or give the new one a `DATA_DIR` of its own.',
  },
  SLUICE_OFFSET_OUT_OF_RANGE: {
    meaning: 'Kafka deleted messages before they were read (retention)',
    example:
      'orders partition 0: the position 100 is before what Kafka has, 150 to 200: 50 offsets were deleted before ' +
      'they were read (retention). Nothing was skipped. To continue without them, with a gap in the ledger, run ' +
      'with --on-lost-offsets gap',
    remedy:
      'Nothing was skipped. If the messages can be restored in Kafka, do so. Else `sluice run --on-lost-offsets ' +
      'gap`: it records each gap as a row of kind `gap` in the ledger, logs an error, counts it in ' +
      '`sluice_lost_offsets_total` and in `lostOffsets` of the summary, and continues after it. `sluice verify` ' +
      'continues to note the gaps.',
  },
  SLUICE_PARTIAL_ASSIGNMENT: {
    meaning: 'another member of the consumer group holds partitions of the topic',
    example:
      'the group gives this process 1 of 2 partitions of orders: another member reads the rest. A data directory ' +
      'needs all of them: stop the other process, or give this one a KAFKA_GROUP_ID of its own',
    remedy:
      'Stop the other process, or give this one a `KAFKA_GROUP_ID` of its own. A process that was killed is a member ' +
      'for 10 s more (`session.timeout.ms`): start again then.',
  },
  SLUICE_FENCED: {
    meaning:
      'another process took over: a capture of the same collection and topic, or a run on the same positions; or the ' +
      "broker ended a capture's transaction that was open for too long",
    example:
      'another capture took over the topic: Failed to add partitions to transaction: Local: This instance has ' +
      'been fenced by a newer instance',
    remedy:
      'Find out which of the two is to run, and stop the other one. Nothing was written twice. If the message names ' +
      '`transaction.timeout.ms`, as after a machine was suspended, there may be no other one: start the capture again.',
  },
  SLUICE_LOCKED: {
    meaning: 'another process holds the data directory',
    example: 'DATA_DIR=/var/lib/sluice is held by /usr/bin/node (PID 4711): stop that process, or use another DATA_DIR',
    remedy:
      'Stop the process that the message names, or use another `DATA_DIR`. Two runs cannot share one; `sluice ' +
      'recover`, `compact`, `forget`, `backfill` and `reset` need the run to stop, too.',
  },
  SLUICE_DATA_DIR: {
    meaning:
      'the data directory cannot be made or written: its disk is full, read-only or failing, or the process may not',
    example: "DATA_DIR=/proc/sluice cannot be written: ENOENT: no such file or directory, mkdir '/proc/sluice'",
    remedy:
      'Free space or correct the permissions, and start again: it continues where the last commit was. A commit that ' +
      'finds the disk full is tried again a few times before this.',
  },
  SLUICE_UNEXPLAINED_FILES: {
    meaning:
      'the data directory has Parquet files that its database does not explain, or the path of a lake has files of ' +
      'another one',
    example:
      'DATA_DIR=/var/lib/sluice has 1 Parquet files, such as ' +
      'parquet/orders/sluice_partition=0/00000000000000000000-00000000000000000100.parquet, but not the database ' +
      'that says which of them count: put analytics.db back, make it from the files with "sluice recover ' +
      '--from-parquet", or move the files away',
    remedy:
      'Nothing was removed. Put `analytics.db` and `analytics.db.wal` back, or see [recovery.md](recovery.md). Give ' +
      'a lake the catalog of its files, or a `LAKE_DATA_PATH` [of its own](lake.md#set-up).',
  },
  SLUICE_SPEC_CHANGED: {
    meaning: 'the table in the data directory does not fit the table spec',
    example:
      'column status of cdc_orders is VARCHAR, the table spec makes it BIGINT: give the new kind a new name in the ' +
      'spec, or move the data directory away and read the topic again',
    remedy:
      'Change the spec back, or give the new kind a new name: [table-spec.md](table-spec.md#schema-evolution) has ' +
      'what may change.',
  },
  SLUICE_SINK: {
    meaning: 'DuckDB or Parquet failed',
    example:
      'DATA_DIR=/var/lib/sluice lacks Parquet files that the ledger names: ' +
      'parquet/orders/sluice_partition=0/00000000000000000000-00000000000000000100.parquet is missing. Nothing ' +
      'was removed; put them back. If analytics.db is a copy, put the parquet folder of the same moment back with ' +
      'it. "sluice verify" shows all differences',
    remedy:
      'The message has the reason. At a start, `sluice verify` shows how database and files differ, and ' +
      '[recovery.md](recovery.md) how to repair it; out of memory, raise `DUCKDB_MEMORY_LIMIT` or lower `BATCH_BYTES`.',
  },
  SLUICE_LAKE: {
    meaning: 'the catalog of the lake, its files, or an extension of DuckDB cannot be used',
    example:
      "DuckDB's extension ducklake cannot be loaded: let DuckDB download it, with DUCKDB_EXTENSION_DIRECTORY unset, " +
      'or put it into DUCKDB_EXTENSION_DIRECTORY, as <version>/<platform>/ducklake.duckdb_extension: IO Error: ' +
      'Extension "/var/lib/sluice/v1.5.5/linux_amd64/ducklake.duckdb_extension" not found.',
    remedy:
      'The message has the reason: reach the catalog with `psql` and the files with DuckDB under the same settings, ' +
      'or provide the extension. Nothing is lost; a run continues where the lake stands.',
  },
  SLUICE_REGISTRY: {
    meaning: 'the schema registry refuses access',
    example:
      'the schema registry SCHEMA_REGISTRY_URL=http://127.0.0.1:8081 cannot be used: it refuses access (HTTP 401): ' +
      'set SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD',
    remedy:
      'Correct the variables that the message names; [schema-registry.md](schema-registry.md) has all. Only a start ' +
      'fails so: during a run, and if the registry does not answer, batches wait for it.',
  },
  SLUICE_UNKNOWN_SCHEMA: {
    meaning:
      'messages name a schema that the registry does not have, or one that is not of `VALUE_FORMAT` or `KEY_FORMAT`',
    example:
      'the schema registry SCHEMA_REGISTRY_URL=http://127.0.0.1:8081 has no schema for messages: it does not know ' +
      'the schema id 7. Nothing of them was committed. Point SCHEMA_REGISTRY_URL to the registry that their ' +
      'producer uses, or restore the schema in it; to quarantine them, run with --on-unknown-schema quarantine',
    remedy:
      'As the message says. The run continues where it stopped; quarantined messages keep their bytes. An id that is ' +
      'only new is waited for, `SCHEMA_REGISTRY_UNKNOWN_WAIT`.',
  },
  SLUICE_QUERY: {
    meaning: 'a query failed: DuckDB does not take it, it would not only read, or the running process ended',
    example: `Failed to extract statements: Parser Error: syntax error at or near "order"

LINE 1: SELECT count(*) FROM order
                             ^`,
    remedy: 'Correct the statement; [queries.md](queries.md) has examples, and what is allowed.',
  },
  SLUICE_OUTPUT: {
    meaning: 'stdout cannot be written, so that the output is not complete',
    example: 'stdout cannot be written: ENOSPC: no space left on device, write: the output is not complete',
    remedy: 'Free space where stdout goes, and run the command again.',
  },
  SLUICE_MONGODB: {
    meaning: 'MongoDB does not answer, or refused a request for good',
    example: 'MONGODB_URI cannot be used: connect ECONNREFUSED 127.0.0.1:1',
    remedy:
      'Start it, or correct `MONGODB_URI`; a single server must be made a replica set. Start again after it: ' +
      'the capture continues at its position.',
  },
  SLUICE_HISTORY_LOST: {
    meaning: 'the position in the change stream is no longer in the oplog, or images of documents are no longer kept',
    example:
      'the position of orders.orders is no longer in the oplog: the resume point may no longer be in the oplog. ' +
      'Choose how to continue: "sluice capture --on-lost-history snapshot" reads the collection again, "sluice ' +
      'capture --on-lost-history gap" continues without the changes that are lost',
    remedy:
      'Choose one of the two options of the message: [capture.md](capture.md#when-something-happens) says what each ' +
      'means for the data.',
  },
  SLUICE_STREAM_ENDED: {
    meaning: 'the captured collection was dropped or renamed',
    example:
      'the change stream of orders.orders ended: the collection was dropped or renamed; ON_INVALIDATE=continue ' +
      'continues with the collection that has this name now',
    remedy: 'Start with `ON_INVALIDATE=continue` to capture the collection that has the name now, or not at all.',
  },
  SLUICE_WORKER: {
    meaning: 'a worker thread ended or failed: it ran out of memory, or this is a bug of Sluice',
    example:
      'a worker failed on partition 0, offsets 0 to 1: Worker terminated due to reaching memory limit: JS heap ' +
      'out of memory. Nothing of it was committed: start again',
    remedy:
      'Nothing of the batch was committed: start again. If it is out of memory each time, lower `BATCH_ROWS` and ' +
      '`BATCH_BYTES`; else report it, with the message.',
  },
  SLUICE_KERNEL: {
    meaning: 'the WASM kernel is missing, of another version than the program, or traps on more than single messages',
    example:
      'the WASM kernel trapped on the batch, but on no message of it alone: partition 0, from offset 0: ' +
      'unreachable. Nothing of the batch was committed. This is a bug of Sluice: report it with the messages; ' +
      'another release may read them, the position stays',
    remedy:
      '`npm run build` makes kernel and program anew. A trap is a bug of Sluice: see ' +
      '[the kernel traps](operations.md#the-kernel-traps).',
  },
  SLUICE_EXPECTATION: {
    meaning: 'messages fail an expectation of the table spec whose action is `stop`',
    example:
      'expectation amount_range fails in 1 row, the first at offset 3: partition 0, offsets 0 to 4. Nothing of the ' +
      'batch was committed. Correct what produces the messages, or give the expectation the action "quarantine" or ' +
      '"warn" in the table spec; then start again',
    remedy:
      'The position stays before the batch. What is in the topic stays there: give the expectation the action ' +
      '`quarantine` or `warn` ([expectations](table-spec.md#expectations)) to go on past it.',
  },
} as const satisfies Record<string, ErrorText>;
