/**
 * Whose the files of a path are. Housekeeping takes what a catalog does not name for leftovers, wherever below the path
 * it is: two lakes must not have the same one, nor one below that of the other. So each marks its own:
 *
 *   <dataPath>/sluice-lake-<id>.json     {"lake": id, "topic": topic}
 *
 * The id is in the catalog from its beginning, so that one that is put back from a backup has the same. It is in the
 * mark's name: none is written over that of another lake, and a lake looks again when its own is there. Of two that
 * come at once, one at least sees the other.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, realpathSync, renameSync } from 'node:fs';
import { basename } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../../core/errors.js';
import { globLiteral, literal, rowsOf } from '../../core/sql.js';
import { sync } from '../../storage/data-dir.js';
import { changesFolder, parseLakeFilePath } from '../../storage/lake-files.js';
import { isObjectStore } from '../../storage/object-store.js';
import { writeFileInPlace } from '../../storage/staged-file.js';
import { METADATA } from './lake.js';
import { filesError } from './lake-errors.js';
import type { LakeTable } from './lake-transaction.js';
import { isNamedByDuckLake, knownFiles, tableFolders } from './registered-files.js';

/** Names of marks, as a pattern of paths. */
const MARKS = 'sluice-lake-*.json';
const MARK = /^sluice-lake-[0-9a-f-]{36}\.json$/;

/** That which DuckLake gives the first schema of a new catalog. */
const LAKE_ID = `SELECT schema_uuid::VARCHAR AS id FROM ${METADATA}.ducklake_schema WHERE schema_id = 0`;

/**
 * Makes the path the lake's own, if it is not yet.
 * @throws SluiceError SLUICE_UNEXPLAINED_FILES if there are files of another lake, or another catalog; SLUICE_LAKE or
 *   SLUICE_DATA_DIR if it cannot be looked into, or written to
 */
export async function claimDataPath(connection: DuckDBConnection, table: LakeTable): Promise<void> {
  const { dataPath, topic } = table;
  const [{ id }] = await rowsOf(connection, LAKE_ID);
  const mark = `${dataPath}/sluice-lake-${id}.json`;
  const files = await filesBelow(connection, dataPath, [dataPath]);
  await refuseOtherLakes(connection, dataPath, mark, files);
  if (files.includes(mark)) return;
  await refuseFilesOfOthers(connection, table, files);
  await writeMark(connection, dataPath, mark, `SELECT ${literal(String(id))} AS lake, ${literal(topic)} AS topic`);
  await refuseOtherLakes(connection, dataPath, mark, await filesBelow(connection, dataPath, [dataPath]));
}

/**
 * @param mark of the lake itself
 * @param files all below the path
 * @throws SluiceError SLUICE_UNEXPLAINED_FILES if there is another mark, at the path, below it or above it
 */
async function refuseOtherLakes(
  connection: DuckDBConnection,
  dataPath: string,
  mark: string,
  files: readonly string[],
): Promise<void> {
  const marks = files.filter((path) => MARK.test(basename(path)));
  const [other] = [...marks, ...(await marksAbove(connection, dataPath))].filter((path) => path !== mark);
  if (other === undefined) return;
  throw new SluiceError(
    'SLUICE_UNEXPLAINED_FILES',
    `LAKE_DATA_PATH=${dataPath} has files of another lake: ${other} marks the place of one. Give each lake a path of ` +
      'its own, with none below that of another. If these are the files of the same lake, give it the catalog that ' +
      'they were committed to (LAKE_CATALOG), or put that back from a backup. If nobody needs the other lake any ' +
      'more, move its files away, and the mark with them',
  );
}

/**
 * Files of lakes that are not this one's leftovers: to take them for such would delete data. Older releases left no
 * mark, and DuckLakes of others have none.
 * @throws SluiceError SLUICE_UNEXPLAINED_FILES when there are any
 */
async function refuseFilesOfOthers(
  connection: DuckDBConnection,
  { dataPath, topic }: LakeTable,
  files: readonly string[],
): Promise<void> {
  // All read after the files were listed: a partition has a beginning before it has files, a table before it has some.
  const hasBegun = (await rowsOf(connection, 'SELECT 1 FROM sluice.starts LIMIT 1')).length > 0;
  const own = hasBegun ? [changesFolder(dataPath, topic), ...(await tableFolders(connection, dataPath))] : [];
  const isOfLake = (path: string) => isNamedByDuckLake(path) || parseLakeFilePath(path) !== undefined;
  const elsewhere = files.filter((path) => isOfLake(path) && !own.some((folder) => path.startsWith(`${folder}/`)));
  if (elsewhere.length === 0) return;
  const known = await knownFiles(connection, dataPath);
  const others = elsewhere.filter((path) => !known.has(path));
  if (others.length === 0) return;
  throw new SluiceError(
    'SLUICE_UNEXPLAINED_FILES',
    `LAKE_DATA_PATH=${dataPath} has ${others.length} files of a lake, such as ${others[0]}, that the catalog knows ` +
      'nothing of: give them the catalog that they were committed to (LAKE_CATALOG), put that back from a backup, ' +
      'give this lake a path of its own, or move the files away',
  );
}

/**
 * What may not be looked into has no mark for this process: keys of an object store may be for the path alone.
 * @throws SluiceError SLUICE_LAKE if an object store does not answer
 */
async function marksAbove(connection: DuckDBConnection, dataPath: string): Promise<string[]> {
  const path = existsSync(dataPath) ? realpathSync(dataPath) : dataPath;
  const names = path.split('/');
  // Up to `s3://bucket`, or the empty name before the first slash.
  const first = isObjectStore(path) ? 3 : 1;
  const marks: string[] = [];
  for (let length = names.length - 1; length >= first; length--) {
    const pattern = globLiteral(names.slice(0, length).join('/'), MARKS);
    try {
      const rows = await rowsOf(connection, `SELECT file FROM glob(${pattern})`);
      marks.push(...rows.map(({ file }) => String(file)));
    } catch (thrown) {
      if (!/\b403\b|denied|forbidden/i.test((thrown as Error).message)) throw filesError(thrown, dataPath);
    }
  }
  return marks;
}

/** All processes of a lake write the same, under names of their own at first: DuckDB locks what it writes. */
async function writeMark(connection: DuckDBConnection, dataPath: string, mark: string, row: string): Promise<void> {
  const write = async (path: string) => void (await connection.run(`COPY (${row}) TO ${literal(path)} (FORMAT json)`));
  if (isObjectStore(dataPath)) return await write(mark);
  const unfinished = `${mark}.${randomUUID()}`;
  await writeFileInPlace(unfinished, write);
  renameSync(unfinished, mark);
  sync(dataPath);
}

/**
 * All files below folders of a lake. What this process may not enter, as `lost+found` of a disk, has none of a lake.
 * @throws SluiceError SLUICE_LAKE if an object store cannot be listed
 */
export async function filesBelow(
  connection: DuckDBConnection,
  dataPath: string,
  folders: readonly string[],
): Promise<string[]> {
  const patterns = folders.map((folder) => globLiteral(folder, '**'));
  try {
    const rows = await rowsOf(connection, `SELECT file FROM glob([${patterns.join(', ')}])`);
    return rows.map(({ file }) => String(file));
  } catch (thrown) {
    throw filesError(thrown, dataPath);
  }
}
