/** `sluice recover`: what to do when the database and the Parquet files of a data directory do not belong together. */
import { relative } from 'node:path';
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { explainDamage, SluiceError } from '../core/errors.js';
import { openSql } from '../query/sql-client.js';
import { ORDERS_SPEC } from '../schema/spec-file.js';
import { openDatabase } from '../sinks/duckdb/database.js';
import type { RebuiltPartition } from '../sinks/duckdb/database-builder.js';
import { openFormat } from '../sinks/duckdb/format.js';
import { readLedgerState } from '../sinks/duckdb/ledger.js';
import { compareFiles } from '../sinks/duckdb/ledger-files.js';
import { type Rebuild, rebuild } from '../sinks/duckdb/rebuild.js';
import { refuseDamage, removeUncounted } from '../sinks/duckdb/recovery.js';
import { hasOldNames, upgradeFolders } from '../sinks/duckdb/upgrade.js';
import { databasePath, hasDatabase, listFiles, topicFolder } from '../storage/data-dir.js';
import { counted } from '../verify/check.js';
import { readLedger } from '../verify/files.js';
import { hasTables, readScope } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { refuseRunning } from './open-sql.js';
import { variablesHelp } from './variables-help.js';

export interface RecoverOptions {
  readonly fromParquet: boolean;
  readonly removeUncounted: boolean;
}

type Write = (text: string) => void;

/** Names in a list. */
const MAX_NAMES = 10;

const CHOICES = `What can be done:
  put the newer analytics.db back, with its analytics.db.wal: nothing is lost
  sluice recover --from-parquet: makes the database from all Parquet files; positions are where they end. Quarantined
    messages that only the lost database had stay lost, and it says which
  sluice recover --remove-uncounted: removes the files that the database does not name; their messages are read again,
    if Kafka still has them
`;

const NOT_OF_A_LAKE =
  'there is nothing to recover in a lake: each start removes what was not committed, and the catalog is the only one ' +
  'that knows which files count. If it is lost or damaged, restore its last backup: "sluice verify" says whether all ' +
  'files of it are still there, and "sluice run" reads again what was committed since. Without a backup, consume the ' +
  'topic into a new lake';

export function addRecoverCommand(program: Command, { environment, stdout, onFailure }: CommandContext): void {
  program
    .command('recover')
    .description('explain how the database and the Parquet files differ; an option repairs it')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.storage,
        SECTIONS.sink,
        SECTIONS.kafka.pick({ topic: true }),
        SECTIONS.schema,
        SECTIONS.duckdb.omit({ mergeFrom: true, state: true }),
        SECTIONS.log,
      ),
    )
    .option('--from-parquet', 'make the database from the Parquet files; the old one is kept', false)
    .option('--remove-uncounted', 'remove the Parquet files that the database does not name', false)
    .action(async (options: RecoverOptions) => {
      let text = '';
      try {
        const ok = await recover(environment().config, options, (more) => {
          text += more;
        });
        if (!ok) onFailure();
      } finally {
        await stdout.write(text);
      }
    });
}

/**
 * @returns false if something is wrong and nothing was done about it
 * @throws SluiceError SLUICE_CONFIG of a lake; SLUICE_LOCKED if a process works on the data directory; what
 *   `rebuild` and `removeUncounted` say
 */
export async function recover(config: Config, options: RecoverOptions, write: Write): Promise<boolean> {
  if (config.sink === 'ducklake') throw new SluiceError('SLUICE_CONFIG', NOT_OF_A_LAKE);
  if (options.fromParquet && options.removeUncounted) {
    throw new SluiceError('SLUICE_CONFIG', 'recover takes --from-parquet or --remove-uncounted, not both');
  }
  if (options.fromParquet) {
    await refuseLive(config.dataDir);
    describeRebuild(await rebuildFrom(config), config, write);
    return true;
  }
  if (options.removeUncounted) {
    await removeFiles(config, write);
    return true;
  }
  return await explain(config, write);
}

/** A process can run on a database whose file is gone. */
async function refuseLive(dataDir: string): Promise<void> {
  try {
    const client = await openSql(dataDir);
    const { live } = client;
    client.close();
    if (!live) return;
  } catch (thrown) {
    if (thrown instanceof SluiceError && thrown.code === 'SLUICE_LOCKED') throw thrown;
    return;
  }
  throw new SluiceError('SLUICE_LOCKED', `DATA_DIR=${dataDir} has a process that runs on it: stop it first`);
}

function rebuildFrom({ dataDir, kafka, spec, tableSpec, duckdb }: Config): Promise<Rebuild> {
  return rebuild({
    dataDir,
    topic: kafka.topic,
    spec: tableSpec === undefined ? undefined : spec,
    fallbackSpec: ORDERS_SPEC,
    memoryLimit: duckdb.memoryLimit,
  });
}

function describeRebuild(made: Rebuild, { dataDir, tableSpec }: Config, write: Write): void {
  const specs = {
    given: `${tableSpec} (TABLE_SPEC)`,
    'old database': 'of the old database',
    fallback: 'built in, orders',
  };
  write(`table spec: ${specs[made.specFrom]}\n`);
  write(`${counted(made.files, 'file')}: ${counted(made.rowsMerged, 'row')} merged, `);
  write(`${counted(made.rowsDuplicate, 'duplicate')}, ${counted(made.markers, 'marker')} of snapshots\n`);
  for (const partition of made.partitions) write(describePartition(partition));
  for (const partition of unknownPartitions(made.partitions)) {
    write(
      `partition ${partition}: nothing is known of it; START_FROM says where "sluice run" begins, if it is there\n`,
    );
  }
  for (const name of made.uncertain) {
    write(`${name} does not say how many messages of its offsets were quarantined or tombstones\n`);
  }
  for (const name of made.uncounted) write(`the next start removes ${name}: it is not needed\n`);
  if (made.keptAs !== undefined) write(`the old database is kept as ${relative(dataDir, made.keptAs)}\n`);
  write('analytics.db is made anew; "sluice verify" proves it, "sluice run" continues\n');
}

/** Those that a run does not take for new ones, which it reads from their beginning. */
function unknownPartitions(partitions: readonly RebuiltPartition[]): number[] {
  const known = new Set(partitions.map(({ partition }) => partition));
  return Array.from(partitions.keys()).filter((partition) => !known.has(partition));
}

function describePartition(made: RebuiltPartition): string {
  const { partition, start, next, holes, quarantined, quarantineKept, readAgainTo } = made;
  const lost = Math.max(0, quarantined - quarantineKept);
  const quarantine = lost === 0 ? '' : `; ${counted(lost, 'quarantined message')} lost with the database`;
  const missing = holes.map((hole) => `${hole.start} to ${hole.next}`).join(', ');
  const none =
    holes.length === 0 ? '' : `; no file has offsets ${missing}: messages without rows, or a file that is gone`;
  const again =
    readAgainTo === undefined
      ? ''
      : `; files of offsets ${next} to ${readAgainTo} are missing: "sluice run" reads them again, if Kafka has them`;
  return `partition ${partition}: offsets ${start} to ${next}${quarantine}${none}${again}\n`;
}

async function removeFiles({ dataDir, kafka, duckdb }: Config, write: Write): Promise<void> {
  const database = databasePath(dataDir);
  if (!hasDatabase(dataDir)) {
    throw new SluiceError(
      'SLUICE_CONFIG',
      `DATA_DIR=${dataDir} has no analytics.db: no file is counted; put it back, or use --from-parquet`,
    );
  }
  const instance = await openDatabase(database, { dataDir, ...duckdb });
  const connection = await instance.connect();
  try {
    // As at a start: nothing is written to a database that is refused.
    const found = await readLedgerState(connection);
    if (!hasOldNames(found)) refuseDamage(dataDir, compareFiles(dataDir, kafka.topic, found).damaged);
    await openFormat(connection, kafka.topic);
    await upgradeFolders(connection, dataDir, kafka.topic);
    const removed = removeUncounted(dataDir, kafka.topic, await readLedgerState(connection));
    for (const { file, why } of removed) write(`removed ${file}: ${why}\n`);
    write(`${counted(removed.length, 'file')} removed; "sluice run" continues from the positions of the database\n`);
  } catch (thrown) {
    throw explainDamage(thrown);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Changes nothing. @returns whether nothing is wrong */
async function explain({ dataDir, kafka }: Config, write: Write): Promise<boolean> {
  if (!hasDatabase(dataDir)) return explainOrphans('missing', dataDir, kafka.topic, write);
  try {
    return await explainDatabase(dataDir, kafka.topic, write);
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code !== 'SLUICE_SINK') throw thrown;
    write(`${thrown.message}\n\n${CHOICES}`);
    return false;
  }
}

/** @throws SluiceError SLUICE_SINK if it cannot be read */
async function explainDatabase(dataDir: string, topicAsked: string, write: Write): Promise<boolean> {
  const client = await openSql(dataDir);
  try {
    refuseRunning(client, dataDir, 'nothing to recover');
    if (!(await hasTables(client))) return explainOrphans('empty', dataDir, topicAsked, write);
    const { topic } = await readScope(client, dataDir);
    const { leftovers, unexplained, damaged, rewritten } = compareFiles(dataDir, topic, await readLedger(client));
    for (const { file, why } of leftovers) write(`the next start removes ${file}: ${why}\n`);
    for (const file of rewritten)
      write(`the next start puts the new ${file} in place: its rewriting was not finished\n`);
    list(`${counted(unexplained.length, 'Parquet file')} that the database does not explain`, unexplained, write);
    list(`${counted(damaged.length, 'file')} of the ledger not whole: put them back`, damaged, write);
    if (unexplained.length > 0) write(`\n${CHOICES}`);
    if (unexplained.length + damaged.length > 0) return false;
    write('nothing to recover\n');
    return true;
  } finally {
    client.close();
  }
}

function explainOrphans(what: string, dataDir: string, topic: string, write: Write): boolean {
  const orphans = listFiles(topicFolder(dataDir, topic)).filter((path) => path.endsWith('.parquet'));
  if (orphans.length === 0) {
    throw new SluiceError('SLUICE_CONFIG', `DATA_DIR=${dataDir} has no data of ${topic} yet: "sluice run" makes it`);
  }
  write(`analytics.db is ${what}, there are ${counted(orphans.length, 'Parquet file')}\n\n${CHOICES}`);
  return false;
}

function list(title: string, names: readonly string[], write: Write): void {
  if (names.length === 0) return;
  write(`${title}:\n`);
  for (const name of names.slice(0, MAX_NAMES)) write(`  ${name}\n`);
  if (names.length > MAX_NAMES) write(`  … and ${names.length - MAX_NAMES} more\n`);
}
