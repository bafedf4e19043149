/**
 * The process's configuration: the environment is read here, and only here, by the sections of the folders.
 *
 * All variables are checked together, so that one start names every mistake.
 */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { captureSettings } from './capture/settings.js';
import { SluiceError } from './core/errors.js';
import { type LogOptions, logSettings } from './core/log.js';
import { integer, type Section, type Settings, setting, variablesOf } from './core/settings.js';
import { type HttpOptions, httpProblems, httpSettings } from './http/settings.js';
import { consumerSettings, kafkaSettings, PROPERTY_PREFIX, readProperties } from './kafka/settings.js';
import { lineageProblems, lineageSettings } from './lineage/settings.js';
import { metricsSettings } from './metrics/settings.js';
import { parquetSettings } from './parquet/settings.js';
import { pipelineSettings } from './pipeline/settings.js';
import { FORMAT_VARIABLES, registrySettings } from './registry/settings.js';
import { schemaSettings } from './schema/settings.js';
import type { TableSpec } from './schema/spec.js';
import { ORDERS_SPEC } from './schema/spec-file.js';
import { compactionSettings, duckdbSettings, retentionSettings } from './sinks/duckdb/settings.js';
import { lakeSettings } from './sinks/ducklake/settings.js';
import { type SinkName, sinkSettings } from './sinks/settings.js';
import { isObjectStore } from './storage/object-store.js';
import { objectStoreSettings, storageSettings } from './storage/settings.js';
import { workerSettings } from './worker/settings.js';

type Environment = Readonly<Record<string, string | undefined>>;

const processSettings = z.object({
  shutdownGraceMs: setting(
    'SHUTDOWN_GRACE_MS',
    'how long SIGTERM waits for what is in flight',
    integer(0, 3_600_000).prefault('30000'),
  ),
  /** Threads that Node runs DuckDB's statements on. */
  threadPoolSize: setting(
    'UV_THREADPOOL_SIZE',
    "Node's threads for native work; at least WORKERS + 3, see [tuning](tuning.md)",
    integer(1, 1024).prefault('4'),
  ),
});

/** Everything that can be set, in the order in which it is listed. */
export const SECTIONS = {
  kafka: kafkaSettings,
  consumer: consumerSettings,
  worker: workerSettings,
  pipeline: pipelineSettings,
  storage: storageSettings,
  parquet: parquetSettings,
  compaction: compactionSettings,
  retention: retentionSettings,
  duckdb: duckdbSettings,
  sink: sinkSettings,
  lake: lakeSettings,
  objectStore: objectStoreSettings,
  schema: schemaSettings,
  registry: registrySettings,
  process: processSettings,
  metrics: metricsSettings,
  http: httpSettings,
  lineage: lineageSettings,
  log: logSettings,
  capture: captureSettings,
} as const satisfies Readonly<Record<string, Section>>;

type Values = { readonly [K in keyof typeof SECTIONS]: Settings<(typeof SECTIONS)[K]> };
type OwnSections =
  | 'worker'
  | 'pipeline'
  | 'parquet'
  | 'compaction'
  | 'retention'
  | 'duckdb'
  | 'objectStore'
  | 'registry'
  | 'metrics'
  | 'lineage'
  | 'capture';

/** The sections, but for those that belong together or are completed here. */
export interface Config extends Pick<Values, OwnSections> {
  readonly kafka: Values['kafka'] &
    Values['consumer'] & {
      /** The same for each start on this host and data directory. */
      readonly instanceId: string;
      /** Not from the environment: the embedded Kafka of the demo has none. */
      readonly hasController?: boolean;
      /** librdkafka properties from KAFKA_CONFIG_*. */
      readonly properties: Readonly<Record<string, string>>;
    };
  /** Absolute. */
  readonly dataDir: string;
  /** Where changes go. */
  readonly sink: SinkName;
  readonly lake: Values['lake'] & { readonly catalog: string; readonly dataPath: string };
  readonly spec: TableSpec;
  /** Path of the file that the spec is from; undefined if it is the built-in one. */
  readonly tableSpec: string | undefined;
  /** Of 32 to 64 bytes; undefined if no file names it. */
  readonly maskKey: Uint8Array | undefined;
  readonly http: HttpOptions;
  readonly shutdownGraceMs: number;
  readonly threadPoolSize: number;
  readonly log: LogOptions;
}

/**
 * Reads and checks the whole environment.
 * @param options by variable: the command's option that set it in `env`
 * @throws SluiceError SLUICE_CONFIG, naming each variable or option that is not acceptable and what it may be
 */
export function readConfig(
  env: Environment = process.env,
  isTerminal = process.stderr.isTTY === true,
  options: ReadonlyMap<string, string> = new Map(),
): Config {
  const problems: string[] = [];
  const entries = Object.entries(SECTIONS).map(([name, section]) => [
    name,
    readSection(section, env, options, problems),
  ]);
  const values = Object.fromEntries(entries) as Values;
  const properties = readProperties(env, problems);
  if (values.pipeline?.batchBytes > values.pipeline?.bufferBytes / 2) {
    problems.push('BATCH_BYTES: must be at most half of BUFFER_BYTES, so that one batch fills while one is worked on');
  }
  if (values.sink?.sink === 'ducklake' && isObjectStore(values.lake?.dataPath ?? '')) {
    if (values.parquet?.parquetWriter === 'parquet-wasm') {
      problems.push('PARQUET_WRITER="parquet-wasm": writes to folders only, LAKE_DATA_PATH is s3://…: use duckdb');
    }
  }
  const uuid = values.schema?.tableSpec?.spec.columns.find(({ kind }) => kind === 'uuid');
  if (uuid !== undefined && values.parquet?.parquetWriter === 'parquet-wasm') {
    problems.push(`PARQUET_WRITER="parquet-wasm": has no UUIDs, and column ${uuid.name} is of kind uuid: use duckdb`);
  }
  if (values.sink?.sink === 'ducklake') {
    if (values.retention?.parquetMs !== undefined) {
      problems.push('RETAIN_PARQUET: is for SINK=duckdb; files of a lake are its table, and leave by RETAIN_CHANGES');
    }
  }
  if (values.registry !== undefined) problems.push(...registryProblems(values.registry));
  if (values.http !== undefined) problems.push(...httpProblems(values.http));
  if (values.lineage !== undefined) problems.push(...lineageProblems(values.lineage));
  if (problems.length > 0) {
    const list = problems.length === 1 ? ` ${problems[0]}` : ['', ...problems].join('\n  ');
    throw new SluiceError('SLUICE_CONFIG', `the configuration is not acceptable:${list}`);
  }
  const { kafka, consumer, storage, sink, lake, schema, process: ofProcess, http, log: _, ...sections } = values;
  const { dataDir } = storage;
  const instanceId = `sluice-${createHash('sha256').update(`${hostname()}:${dataDir}`).digest('hex').slice(0, 16)}`;
  return {
    ...sections,
    ...ofProcess,
    kafka: { ...kafka, ...consumer, instanceId, properties },
    dataDir,
    sink: sink.sink,
    lake: {
      ...lake,
      catalog: lake.catalog ?? join(dataDir, 'catalog.ducklake'),
      dataPath: lake.dataPath ?? join(dataDir, 'lake'),
    },
    spec: schema.tableSpec?.spec ?? ORDERS_SPEC,
    tableSpec: schema.tableSpec?.path,
    maskKey: schema.maskKey,
    http: { host: http.host, open: http.open, token: http.token ?? http.tokenFile },
    log: readLogOptions(env, isTerminal),
  };
}

/** What a registry's variables need of each other. */
function registryProblems(settings: Values['registry']): string[] {
  const { valueFormat, keyFormat, url, user, password, cert, key } = settings;
  const problems: string[] = [];
  for (const [part, format] of [
    ['value', valueFormat],
    ['key', keyFormat],
  ] as const) {
    if (format !== 'avro' || url !== undefined) continue;
    problems.push(`${FORMAT_VARIABLES[part]}="avro": needs SCHEMA_REGISTRY_URL, which has the schemas`);
  }
  if ((user === undefined) !== (password === undefined)) {
    problems.push('SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD: must be set both, or none');
  }
  if ((cert === undefined) !== (key === undefined)) {
    problems.push('SCHEMA_REGISTRY_CERT and SCHEMA_REGISTRY_KEY: must be set both, or none');
  }
  return problems;
}

/** How to report a failure, which may be that of the configuration: what is not acceptable is as if it were unset. */
export function readLogOptions(env: Environment = process.env, isTerminal = process.stderr.isTTY === true): LogOptions {
  const { level, format } = logSettings.shape;
  return {
    level: level.safeParse(env.LOG_LEVEL || undefined).data ?? level.parse(undefined),
    format: format.safeParse(env.LOG_FORMAT || undefined).data ?? (isTerminal ? 'pretty' : 'json'),
  };
}

/** A URI has its password between a colon and the last `@`, a string of libpq's after its name, maybe misspelled. */
const withoutPassword = (value: string) =>
  value.replace(/:(?!\/\/).*@/s, ':***@').replace(/((?:pas|pwd)\w*\s*=).*/is, '$1***');

/** @param problems gets a line for each variable that is not acceptable; then the section is undefined */
function readSection(
  section: Section,
  env: Environment,
  options: ReadonlyMap<string, string>,
  problems: string[],
): unknown {
  const variables = variablesOf(section);
  const given = Object.fromEntries([...variables].map(([field, name]) => [field, env[name] || undefined]));
  const parsed = section.safeParse(given);
  for (const issue of parsed.error?.issues ?? []) {
    const name = variables.get(String(issue.path[0])) ?? '';
    problems.push(
      `${options.get(name) ?? name}=${JSON.stringify(env[name] && withoutPassword(env[name]))}: ${issue.message}`,
    );
  }
  return parsed.data;
}

/** A variable that is not read, and the one that was probably meant. */
export interface Misspelling {
  readonly variable: string;
  readonly nearest: string;
}

/** Variables whose names differ by a few letters from one that is read; shorter names allow fewer. */
export function misspelledVariables(env: Environment = process.env): Misspelling[] {
  const known = new Set(Object.values(SECTIONS).flatMap((section) => [...variablesOf(section).values()]));
  return Object.keys(env).flatMap((variable) => {
    if (known.has(variable) || variable.startsWith(PROPERTY_PREFIX)) return [];
    const near = [...known].filter((name) => distance(variable, name) <= Math.floor(name.length / LETTERS_PER_MISTAKE));
    const [nearest] = near.sort((a, b) => distance(variable, a) - distance(variable, b));
    return nearest === undefined ? [] : [{ variable, nearest }];
  });
}

const LETTERS_PER_MISTAKE = 5;

/** Levenshtein's: how many letters are to be added, removed or replaced. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
  }
  return row[b.length];
}
