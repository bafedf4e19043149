/** The files of a lake against its catalog, and the ranges of the ledger against the rows. */
import { globLiteral, identifier, literal } from '../core/sql.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import { METADATA } from '../sinks/ducklake/lake.js';
import { isNamedByDuckLake, registeredFiles, scheduledFiles } from '../sinks/ducklake/registered-files.js';
import { RETENTION_FORMAT } from '../storage/data-dir.js';
import { changesFolder, parseLakeFilePath } from '../storage/lake-files.js';
import {
  type CheckResult,
  counted,
  type LakeScope,
  lines,
  MAX_PROBLEMS,
  problemsOf,
  type VerifyScope,
} from './check.js';

const FILES_PER_QUERY = 200;

interface RegisteredFile {
  readonly path: string;
  readonly bytes: number;
  readonly rows: number;
}

/** Runs all checks of files. */
export async function* lakeChecks(client: SqlClient, scope: VerifyScope, lake: LakeScope): AsyncGenerator<CheckResult> {
  const rows = await allRows(client, `SELECT file, bytes, rows FROM ${registeredFiles(lake.dataPath)} ORDER BY file`);
  const files = rows.map(({ file, bytes, rows }) => ({ path: String(file), bytes: Number(bytes), rows: Number(rows) }));
  const stored = new Set(await lines(client, `SELECT file FROM glob(${globLiteral(lake.dataPath, '**')})`));
  const whole: RegisteredFile[] = [];
  yield await check('all files of the lake are there, in full', () => sizeProblems(client, files, stored, whole));
  yield await check('each file has the rows that the catalog counts', () => rowProblems(client, whole));
  yield await check(`${scope.table} has the rows of each batch at its offsets`, async () =>
    lines(client, rangeProblems(identifier(scope.table), await merged(client))),
  );
  if (lake.isShared) {
    yield await check('the owners of partitions are where the ledger ends', () => lines(client, OWNER_PROBLEMS));
  }
  const names = new Set(files.map(({ path }) => path));
  for (const file of await lines(client, `SELECT file FROM ${scheduledFiles(lake.dataPath)}`)) names.add(file);
  const strays = [...stored].filter((path) => !names.has(path));
  yield {
    name: 'there are no files of the lake that the catalog does not name',
    problems: [],
    notes: await strayNotes(client, scope, lake, strays),
  };
}

async function check(name: string, problems: () => Promise<readonly string[]>): Promise<CheckResult> {
  return { name, problems: await problemsOf(problems), notes: [] };
}

/** @param whole gets the files that are there, in full */
async function sizeProblems(
  client: SqlClient,
  files: readonly RegisteredFile[],
  stored: ReadonlySet<string>,
  whole: RegisteredFile[],
): Promise<string[]> {
  const problems = files.filter(({ path }) => !stored.has(path)).map(({ path }) => `${path} is missing`);
  for (const block of blocks(files.filter(({ path }) => stored.has(path)))) {
    const rows = await allRows(client, `SELECT filename, size FROM read_blob(${list(block)})`);
    const sizes = new Map(rows.map(({ filename, size }) => [String(filename), Number(size)]));
    for (const file of block) {
      const size = sizes.get(file.path);
      if (size === file.bytes) whole.push(file);
      else problems.push(`${file.path} has ${size} bytes, the catalog says ${file.bytes}`);
    }
  }
  return problems;
}

async function rowProblems(client: SqlClient, files: readonly RegisteredFile[]): Promise<string[]> {
  const problems: string[] = [];
  for (const block of blocks(files)) {
    const found = await allRows(client, `SELECT file_name, num_rows FROM parquet_file_metadata(${list(block)})`);
    const counts = new Map(found.map(({ file_name, num_rows }) => [String(file_name), Number(num_rows)]));
    for (const { path, rows } of block) {
      if (counts.get(path) !== rows) problems.push(`${path} has ${counts.get(path)} rows, the catalog says ${rows}`);
    }
  }
  return problems;
}

function* blocks(files: readonly RegisteredFile[]): Generator<readonly RegisteredFile[]> {
  for (let from = 0; from < files.length; from += FILES_PER_QUERY) yield files.slice(from, from + FILES_PER_QUERY);
}

function list(files: readonly RegisteredFile[]): string {
  return `[${files.map(({ path }) => literal(path)).join(', ')}]`;
}

/** SQL: how many rows of a batch are in the table. */
async function merged(client: SqlClient): Promise<string> {
  const [{ format_version }] = await allRows(client, 'SELECT format_version FROM sluice.meta');
  return Number(format_version) < RETENTION_FORMAT ? 'rows_merged' : '(rows_merged - rows_retired)';
}

/** Each row belongs to the batch that begins last before it, if it is before the batch's end. */
function rangeProblems(table: string, merged: string): string {
  return `WITH placed AS (
      SELECT t.partition_id, kafka_offset, start_offset, coalesce(kafka_offset < next_offset, false) AS is_inside
      FROM (SELECT kafka_partition AS partition_id, kafka_offset FROM ${table}) t
      ASOF LEFT JOIN (SELECT partition_id, start_offset, next_offset FROM sluice.batches) b
      ON t.partition_id = b.partition_id AND t.kafka_offset >= b.start_offset),
    counts AS (SELECT partition_id, start_offset, count(*) AS rows FROM placed WHERE is_inside GROUP BY ALL)
    SELECT format('partition {}, offsets {} to {}: {} rows, the ledger says {}', partition_id, start_offset,
      next_offset, coalesce(rows, 0), ${merged})
    FROM sluice.batches LEFT JOIN counts USING (partition_id, start_offset) WHERE coalesce(rows, 0) <> ${merged}
    UNION ALL
    SELECT format('partition {}: {} rows of no batch, the first at offset {}', partition_id, count(*),
      min(kafka_offset))
    FROM placed WHERE NOT is_inside GROUP BY partition_id LIMIT ${MAX_PROBLEMS}`;
}

/** A partition that was claimed and has no position yet has an owner without an offset. */
const OWNER_PROBLEMS = `SELECT format('partition {}: its owner is at {}, the ledger at {}', partition_id,
    coalesce(o.next_offset::VARCHAR, 'no offset'), coalesce(p.next_offset::VARCHAR, 'no offset'))
  FROM ${METADATA}.sluice.owners o FULL JOIN sluice.positions p USING (topic, partition_id)
  WHERE o.next_offset IS DISTINCT FROM p.next_offset ORDER BY partition_id LIMIT ${MAX_PROBLEMS}`;

/** Nothing is wrong with files that nobody registered: they take space, and are removed in time. */
async function strayNotes(
  client: SqlClient,
  { topic }: VerifyScope,
  { dataPath, isShared }: LakeScope,
  strays: readonly string[],
): Promise<string[]> {
  const ofDuckLake = strays.filter(isNamedByDuckLake);
  const folder = `${changesFolder(dataPath, topic)}/`;
  const ofWorkers = strays.flatMap((path) => {
    const name = path.startsWith(folder) ? parseLakeFilePath(path) : undefined;
    return name === undefined ? [] : [{ path, ...name }];
  });
  const owners = isShared
    ? await allRows(client, `SELECT partition_id, epoch FROM ${METADATA}.sluice.owners WHERE topic = ${literal(topic)}`)
    : [];
  const epochs = new Map(owners.map(({ partition_id, epoch }) => [Number(partition_id), Number(epoch)]));
  const isDead = ({ partition, epoch }: { partition: number; epoch: number }) =>
    isShared ? epoch < (epochs.get(partition) ?? 0) : !client.live;
  const dead = ofWorkers.filter(isDead);
  const open = ofWorkers.length - dead.length;
  return [
    ...dead.slice(0, MAX_PROBLEMS).map(({ path }) => `the next start removes ${path}: a commit that was not finished`),
    ...(open === 0 ? [] : [`${counted(open, 'file')} of commits that are under way, or were not finished`]),
    ...(ofDuckLake.length === 0
      ? []
      : [`${counted(ofDuckLake.length, 'file')} of DuckLake not in the catalog: housekeeping removes leftovers`]),
  ];
}
