/** The Parquet files of another program, as SQL. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { SluiceError } from '../core/errors.js';
import { literal } from '../core/sql.js';

/** Where Spark's file sink lists the files that count, in the folder. */
const SPARK_LOG = '_spark_metadata';
/** A batch, or all batches up to one. */
const SPARK_BATCH = /^(\d+)(\.compact)?$/;

/**
 * @param place a folder, a file, a pattern, or a URL that DuckDB reads. Of a folder all files below it, but those that
 *   Spark does not read either: hidden ones, and with a log of its file sink those that the log does not name
 * @returns a table function
 * @throws SluiceError SLUICE_CONFIG if there are none
 */
export async function parquetOf(place: string): Promise<string> {
  const isFolder = await stat(place).then(
    (found) => found.isDirectory(),
    () => false,
  );
  // Absolute: a process that runs has another working directory.
  const files = isFolder ? await filesOf(resolve(place)) : [/^\w+:\/\//.test(place) ? place : resolve(place)];
  if (files.length === 0) throw new SluiceError('SLUICE_CONFIG', `${place} has no Parquet files`);
  return `read_parquet([${files.map(literal).join(', ')}], union_by_name = true)`;
}

async function filesOf(folder: string): Promise<string[]> {
  const listed = await sparkFiles(join(folder, SPARK_LOG));
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile() && entry.name.endsWith('.parquet') && (listed?.has(entry.name) ?? true))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (file) =>
        !relative(folder, file)
          .split(sep)
          .some((part) => /^[._]/.test(part)),
    )
    .sort();
}

/** The names of the files that count, which are unique; undefined if there is no such log. */
async function sparkFiles(log: string): Promise<ReadonlySet<string> | undefined> {
  const names = await readdir(log).catch(() => undefined);
  if (names === undefined) return undefined;
  const batches = names.flatMap((name) => {
    const [, number, compact] = SPARK_BATCH.exec(name) ?? [];
    return number === undefined ? [] : [{ name, number: Number(number), isCompact: compact !== undefined }];
  });
  const compacted = Math.max(-1, ...batches.filter(({ isCompact }) => isCompact).map(({ number }) => number));
  const needed = batches.filter(({ number, isCompact }) => (isCompact ? number === compacted : number > compacted));
  const files = new Set<string>();
  for (const { name } of needed) {
    // The first line is the version of the format.
    for (const line of (await readFile(join(log, name), 'utf8')).split('\n').slice(1).filter(Boolean)) {
      const { path, action } = JSON.parse(line) as { path: string; action: string };
      if (action === 'add') files.add(basename(decodeURIComponent(path)));
    }
  }
  return files;
}
