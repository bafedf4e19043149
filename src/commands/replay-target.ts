/** Where `replay` is done: by the process that runs on the data directory, or by this one if none does. */
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { type Logger, logRemoved } from '../core/log.js';
import type { ReplayTarget } from '../core/replay.js';
import { rowsOf } from '../core/sql.js';
import { allRows, isLive, replayRunning } from '../query/sql-client.js';
import { maskKeyId } from '../schema/mask-key.js';
import type { TableSpec } from '../schema/spec.js';
import { specHash } from '../schema/spec-hash.js';
import { checkMaskKey } from '../sinks/duckdb/mask-key.js';
import { type AllRows, type PieceBound, SPEC_IS_OTHER } from '../sinks/duckdb/replay-tables.js';
import { DuckDbSink } from '../sinks/duckdb/sink.js';
import { isPostgres } from '../sinks/ducklake/settings.js';
import { DuckLakeSink } from '../sinks/ducklake/sink.js';
import { topicFolder } from '../storage/data-dir.js';
import { openConfigured } from './open-sql.js';
import { sinkOptions } from './sink-options.js';

/** Of a piece that holds up the commits of another process. */
const BESIDE_A_RUN = { messages: 20_000, batches: 500 };

/** A replay whose folder is older has ended: each of its pieces makes it anew. */
const OLD_MS = 86_400_000;

export interface OpenedTarget extends ReplayTarget {
  readonly rows: AllRows;
  /** The bit of `issues` that each column of the spec has. */
  readonly issueBits: readonly number[];
  readonly bound: PieceBound;
  /** For files that do not count: of this replay alone, and made anew if it is not there. */
  readonly folder: string;
  close(): Promise<void>;
}

/**
 * @param spec becomes that of the sink, if no process runs
 * @throws SluiceError SLUICE_SPEC_CHANGED or SLUICE_CONFIG if the process has another spec or another key of masks; as
 *   a start if none runs
 */
export async function openTarget(config: Config, topic: string, spec: TableSpec, log: Logger): Promise<OpenedTarget> {
  const isOfMany = config.sink === 'ducklake' && isPostgres(config.lake.catalog);
  const isRunning = !isOfMany && (await isLive(config.dataDir));
  const bytes = config.pipeline.batchBytes;
  const bound = isOfMany || isRunning ? { ...BESIDE_A_RUN, bytes } : {};
  const opened = isRunning ? await openRunning(config, spec) : await openOwn(config, topic, spec, log);
  // Where a start of SINK=duckdb removes what a process left that was killed.
  const parent = join(config.sink === 'duckdb' ? topicFolder(config.dataDir, topic) : config.dataDir, '.replay');
  mkdirSync(parent, { recursive: true });
  removeOld(parent);
  const folder = mkdtempSync(join(parent, 'of-'));
  const close = async () => {
    await opened.close();
    removeFolder(folder, isRunning || isOfMany);
  };
  return { ...opened, bound, folder, close };
}

type Opened = Omit<OpenedTarget, 'bound' | 'folder'>;

async function openRunning(config: Config, spec: TableSpec): Promise<Opened> {
  const client = await openConfigured(config);
  try {
    const rows: AllRows = (sql) => allRows(client, sql);
    const [meta] = await rows('FROM sluice.meta');
    checkMaskKey(meta, maskKeyId(config.maskKey));
    if (meta.spec_hash !== specHash(spec)) throw new SluiceError('SLUICE_SPEC_CHANGED', SPEC_IS_OTHER);
    const found = await rows('SELECT name, issue_bit FROM sluice.columns');
    const bits = new Map(found.map(({ name, issue_bit }) => [name, Number(issue_bit)]));
    const issueBits = spec.columns.map(({ name }) => bits.get(name)!);
    const close = async () => client.close();
    return { rows, issueBits, replay: (piece) => replayRunning(config.dataDir, piece), close };
  } catch (thrown) {
    client.close();
    throw thrown;
  }
}

async function openOwn(config: Config, topic: string, spec: TableSpec, log: Logger): Promise<Opened> {
  const { kind, options } = sinkOptions({ ...config, kafka: { ...config.kafka, topic }, spec });
  const asItIs = { state: undefined };
  const sink =
    kind === 'duckdb' ? new DuckDbSink({ ...options, ...asItIs }) : new DuckLakeSink({ ...options, ...asItIs });
  const { removed, issueBits } = await sink.open();
  logRemoved(log, removed);
  const connection = await sink.connect();
  return {
    rows: (sql) => rowsOf(connection, sql),
    issueBits,
    replay: (piece) => sink.replay(piece),
    close: async () => {
      connection.closeSync();
      await sink.close();
    },
  };
}

/** @param isBesideOthers that of other replays stays */
function removeFolder(folder: string, isBesideOthers: boolean): void {
  const parent = dirname(folder);
  rmSync(isBesideOthers ? folder : parent, { recursive: true, force: true });
  if (!isBesideOthers) return;
  try {
    rmdirSync(parent);
  } catch {
    // Another replay has its files in it.
  }
}

/** What replays left that were killed long ago. */
function removeOld(parent: string): void {
  for (const folder of readdirSync(parent).map((name) => join(parent, name))) {
    const { mtimeMs = Number.POSITIVE_INFINITY } = statSync(folder, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs < Date.now() - OLD_MS) rmSync(folder, { recursive: true, force: true });
  }
}
