/**
 * The process's configuration: every environment variable is read here, and only here.
 *
 * All of them are checked together, so that one start names every mistake.
 */
import { createHash } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import { resolve } from 'node:path';
import * as z from 'zod';
import { SluiceError } from './core/errors.js';

const MIB = 1 << 20;

const SIZE_UNITS: Record<string, number> = { '': 1, B: 1, KIB: 1 << 10, MIB, GIB: 1 << 30 };

/** A number of bytes, plain or with a binary unit: `33554432`, `32 MiB`. */
const bytes = (minimum: number, maximum: number) =>
  z.string().transform((text, context) => {
    const match = /^(\d+)\s*(B|KiB|MiB|GiB)?$/i.exec(text.trim());
    const value = match ? Number(match[1]) * SIZE_UNITS[(match[2] ?? '').toUpperCase()] : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    context.addIssue(`must be a number of bytes from ${minimum} to ${maximum}, such as 33554432 or 32MiB`);
    return z.NEVER;
  });

const integer = (minimum: number, maximum: number) =>
  z.string().transform((text, context) => {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    context.addIssue(`must be a whole number from ${minimum} to ${maximum}`);
    return z.NEVER;
  });

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

const FIELD_PATH = /^[^.\s$][^.]*(\.[^.]+)*$/;
const FIELD_PATH_PROBLEM = 'must be a field or a path of fields, such as order.id';

const schema = z.object({
  KAFKA_BROKERS: z
    .string()
    .regex(/^[^\s,]+:\d+(,[^\s,]+:\d+)*$/, 'must be host:port, or several joined by commas')
    .default('127.0.0.1:9092'),
  KAFKA_TOPIC: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,249}$/, 'must be a topic name: letters, digits, ".", "_" and "-", at most 249')
    .refine((name) => name !== '.' && name !== '..', 'must not be "." or ".."')
    .default('cdc_orders'),
  KAFKA_GROUP_ID: z.string().min(1, 'must not be empty').default('sluice'),
  KAFKA_SOURCE: oneOf(['auto', 'packed', 'stock']).default('auto'),
  START_FROM: oneOf(['earliest', 'latest', 'group']).default('earliest'),
  WORKERS: integer(1, 256).default(Math.max(1, availableParallelism() - 1)),
  BATCH_ROWS: integer(1, 1_000_000).default(32_768),
  BATCH_BYTES: bytes(1, 256 * MIB).default(32 * MIB),
  FLUSH_INTERVAL_MS: integer(1, 3_600_000).default(250),
  COMMIT_ROWS: integer(1, 10_000_000).default(163_840),
  BUFFER_BYTES: bytes(4 * MIB, 64 * 1024 * MIB).default(256 * MIB),
  HIGH_VALUE_THRESHOLD: z
    .string()
    .regex(/^\d{1,14}(\.\d{1,4})?$/, 'must be an amount from 0 to 99999999999999.9999, such as 1000 or 999.99')
    .default('1000'),
  LATE_AFTER_MS: integer(0, Number.MAX_SAFE_INTEGER / 1000).default(600_000),
  DATA_DIR: z
    .string()
    .min(1, 'must not be empty')
    .refine(
      (folder) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(folder),
      'must be a local folder, without a scheme; to have the Parquet files in object storage, copy them there from it',
    )
    .default('./data'),
  PARQUET_WRITER: oneOf(['duckdb', 'parquet-wasm']).default('duckdb'),
  PARQUET_COMPRESSION: oneOf(['zstd', 'snappy', 'lz4', 'none']).default('zstd'),
  DUCKDB_THREADS: integer(1, 256).default(1),
  DUCKDB_MEMORY_LIMIT: z
    .string()
    .regex(/^\d+(\.\d+)?\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/i, 'must be a size such as 4GB')
    .default('512MB'),
  MERGE_FROM: oneOf(['arrow', 'parquet']).default('parquet'),
  COMPACT_AFTER_FILES: integer(0, 1_000_000).default(64),
  COMPACT_TARGET_BYTES: bytes(MIB, 4096 * MIB).default(128 * MIB),
  TABLE_SPEC: z.string().min(1, 'must be the path of a spec file').optional(),
  SHUTDOWN_GRACE_MS: integer(0, 3_600_000).default(30_000),
  METRICS_PORT: integer(0, 65_535).default(9464),
  METRICS_GRACE_MS: integer(0, 600_000).default(15_000),
  UV_THREADPOOL_SIZE: integer(1, 1024).default(4),
  MONGODB_URI: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\/\S+$/, 'must be a mongodb:// or mongodb+srv:// URI')
    .default('mongodb://127.0.0.1:27017/?replicaSet=rs0'),
  MONGODB_DATABASE: z.string().min(1, 'must not be empty').default('shop'),
  MONGODB_COLLECTION: z.string().min(1, 'must not be empty').default('orders'),
  ORDER_ID_PATH: z.string().regex(FIELD_PATH, FIELD_PATH_PROBLEM).optional(),
  EVENT_TIME_PATH: z.string().regex(FIELD_PATH, FIELD_PATH_PROBLEM).optional(),
  FULL_DOCUMENT: oneOf(['updateLookup', 'whenAvailable', 'required']).default('updateLookup'),
  ON_INVALIDATE: oneOf(['stop', 'continue']).default('stop'),
  TRANSACTION_EVENTS: integer(1, 100_000).default(10_000),
  TRANSACTION_BYTES: bytes(1, 64 * MIB).default(8 * MIB),
  TRANSACTION_INTERVAL_MS: integer(1, 60_000).default(100),
  TOKEN_INTERVAL_MS: integer(1, 86_400_000).default(10_000),
  MAX_MESSAGE_BYTES: bytes(1000, 1024 * MIB).default(1_000_000),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  LOG_FORMAT: oneOf(['pretty', 'json']).optional(),
});

export interface Config {
  readonly kafka: {
    readonly brokers: string;
    readonly topic: string;
    readonly groupId: string;
    /** The same for each start on this host and data directory. */
    readonly instanceId: string;
    /** How messages get out of the Kafka client. */
    readonly reader: 'auto' | 'packed' | 'stock';
    /** Where the partitions of a new data directory begin. */
    readonly startFrom: 'earliest' | 'latest' | 'group';
    /** Not from the environment: the embedded Kafka of the demo has none. */
    readonly hasController?: boolean;
    /** librdkafka properties from KAFKA_CONFIG_*. */
    readonly properties: Readonly<Record<string, string>>;
  };
  readonly workers: number;
  readonly batchRows: number;
  readonly batchBytes: number;
  readonly flushIntervalMs: number;
  readonly commitRows: number;
  readonly bufferBytes: number;
  /** Decimal text: amounts are never floating point. */
  readonly highValueThreshold: string;
  readonly lateAfterMs: number;
  /** Absolute. */
  readonly dataDir: string;
  /** The library that workers write Parquet files with. */
  readonly parquetWriter: 'duckdb' | 'parquet-wasm';
  readonly parquetCompression: 'zstd' | 'snappy' | 'lz4' | 'none';
  readonly duckdb: { readonly threads: number; readonly memoryLimit: string };
  readonly mergeFrom: 'arrow' | 'parquet';
  readonly compaction: { readonly afterFiles: number; readonly targetBytes: number };
  readonly capture: {
    readonly uri: string;
    readonly database: string;
    readonly collection: string;
    readonly orderIdPath: string | undefined;
    readonly eventTimePath: string | undefined;
    readonly fullDocument: 'updateLookup' | 'whenAvailable' | 'required';
    readonly onInvalidate: 'stop' | 'continue';
    readonly transactionEvents: number;
    readonly transactionBytes: number;
    readonly transactionIntervalMs: number;
    readonly tokenIntervalMs: number;
    readonly maxMessageBytes: number;
  };
  readonly tableSpec: string | undefined;
  readonly shutdownGraceMs: number;
  readonly metricsPort: number;
  /** How long a failure is shown before the process ends; default longer than a usual scrape interval. */
  readonly metricsGraceMs: number;
  /** Threads that Node runs DuckDB's statements on. */
  readonly threadPoolSize: number;
  readonly log: { readonly level: string; readonly format: 'pretty' | 'json' };
}

/** Properties that the exactly-once protocol depends on. */
const FIXED_PROPERTIES = new Set([
  'bootstrap.servers',
  'metadata.broker.list',
  'group.id',
  'enable.auto.commit',
  'enable.auto.offset.store',
  'auto.offset.reset',
  'isolation.level',
  'enable.partition.eof',
  'rebalance_cb',
  'partition.assignment.strategy',
  'group.protocol',
]);

const KAFKA_PREFIX = 'KAFKA_CONFIG_';

/**
 * Reads and checks the whole environment.
 * @throws SluiceError SLUICE_CONFIG, naming each variable that is not acceptable and what it may be
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env, isTerminal = process.stderr.isTTY === true): Config {
  const given = Object.fromEntries(Object.keys(schema.shape).map((name) => [name, env[name] || undefined]));
  const parsed = schema.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => {
        const name = String(issue.path[0]);
        return `${name}=${JSON.stringify(env[name])}: ${issue.message}`;
      });
  const properties = kafkaProperties(env, problems);
  if (parsed.success && parsed.data.BATCH_BYTES > parsed.data.BUFFER_BYTES / 2) {
    problems.push('BATCH_BYTES: must be at most half of BUFFER_BYTES, so that one batch fills while one is worked on');
  }
  if (!parsed.success || problems.length > 0) {
    throw new SluiceError('SLUICE_CONFIG', `the environment is not acceptable:\n  ${problems.join('\n  ')}`);
  }
  const value = parsed.data;
  const dataDir = resolve(value.DATA_DIR);
  return {
    kafka: {
      brokers: value.KAFKA_BROKERS,
      topic: value.KAFKA_TOPIC,
      groupId: value.KAFKA_GROUP_ID,
      instanceId: `sluice-${createHash('sha256').update(`${hostname()}:${dataDir}`).digest('hex').slice(0, 16)}`,
      reader: value.KAFKA_SOURCE,
      startFrom: value.START_FROM,
      properties,
    },
    workers: value.WORKERS,
    batchRows: value.BATCH_ROWS,
    batchBytes: value.BATCH_BYTES,
    flushIntervalMs: value.FLUSH_INTERVAL_MS,
    commitRows: value.COMMIT_ROWS,
    bufferBytes: value.BUFFER_BYTES,
    highValueThreshold: value.HIGH_VALUE_THRESHOLD,
    lateAfterMs: value.LATE_AFTER_MS,
    dataDir,
    parquetWriter: value.PARQUET_WRITER,
    parquetCompression: value.PARQUET_COMPRESSION,
    duckdb: { threads: value.DUCKDB_THREADS, memoryLimit: value.DUCKDB_MEMORY_LIMIT },
    mergeFrom: value.MERGE_FROM,
    compaction: { afterFiles: value.COMPACT_AFTER_FILES, targetBytes: value.COMPACT_TARGET_BYTES },
    capture: {
      uri: value.MONGODB_URI,
      database: value.MONGODB_DATABASE,
      collection: value.MONGODB_COLLECTION,
      orderIdPath: value.ORDER_ID_PATH,
      eventTimePath: value.EVENT_TIME_PATH,
      fullDocument: value.FULL_DOCUMENT,
      onInvalidate: value.ON_INVALIDATE,
      transactionEvents: value.TRANSACTION_EVENTS,
      transactionBytes: value.TRANSACTION_BYTES,
      transactionIntervalMs: value.TRANSACTION_INTERVAL_MS,
      tokenIntervalMs: value.TOKEN_INTERVAL_MS,
      maxMessageBytes: value.MAX_MESSAGE_BYTES,
    },
    tableSpec: value.TABLE_SPEC,
    shutdownGraceMs: value.SHUTDOWN_GRACE_MS,
    metricsPort: value.METRICS_PORT,
    metricsGraceMs: value.METRICS_GRACE_MS,
    threadPoolSize: value.UV_THREADPOOL_SIZE,
    log: readLogOptions(env, isTerminal),
  };
}

/** How to report a failure, which may be that the environment is not acceptable: what is not is as if it were unset. */
export function readLogOptions(env: NodeJS.ProcessEnv = process.env, isTerminal = process.stderr.isTTY === true) {
  const { LOG_LEVEL, LOG_FORMAT } = schema.shape;
  return {
    level: LOG_LEVEL.safeParse(env.LOG_LEVEL || undefined).data ?? LOG_LEVEL.parse(undefined),
    format: LOG_FORMAT.safeParse(env.LOG_FORMAT || undefined).data ?? (isTerminal ? 'pretty' : 'json'),
  } as const;
}

/** The librdkafka properties of KAFKA_CONFIG_*; `problems` gets those that are not for the user to set. */
function kafkaProperties(env: NodeJS.ProcessEnv, problems: string[]): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(KAFKA_PREFIX) || value === undefined) continue;
    const property = name.slice(KAFKA_PREFIX.length).toLowerCase().replaceAll('_', '.');
    if (FIXED_PROPERTIES.has(property)) {
      problems.push(`${name}: ${property} is set by Sluice, exactly-once delivery depends on it`);
    }
    properties[property] = value;
  }
  return properties;
}
