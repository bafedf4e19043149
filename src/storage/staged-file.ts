/** A file that does not count yet: written beside its final place under a temporary name, and durable there. */
import { rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SluiceError, sinkError } from '../core/errors.js';
import type { ParquetFile } from '../core/flow.js';
import { outageError } from '../core/outage.js';
import { makeFolder, sync, temporaryPath } from './data-dir.js';

/**
 * Has the file of `path` written under its temporary name, and fsyncs it. After a failure there is no such file.
 * @param write makes the file of the path that it is given; the folder exists
 * @param failure what the message of an error begins with
 * @throws SluiceError SLUICE_DATA_DIR if the file cannot be written, SLUICE_SINK if its content cannot be made
 */
export async function stageFile(
  path: string,
  write: (tempPath: string) => Promise<void>,
  failure = `cannot write ${temporaryPath(path)}`,
): Promise<ParquetFile> {
  const tempPath = temporaryPath(path);
  try {
    makeFolder(dirname(path));
    await write(tempPath);
    sync(tempPath);
    return { tempPath, path, bytes: statSync(tempPath).size };
  } catch (thrown) {
    removeIfPossible(tempPath);
    throw sinkError(thrown, failure);
  }
}

/**
 * The same for a file that takes the place of one: a start tells the new file from the old one by its size.
 * @param bytes of the old one; undefined if there is none
 * @param write is also given a text that the file is to have in it
 */
export async function stageOfOtherSize(
  path: string,
  bytes: number | undefined,
  write: (tempPath: string, mark: string) => Promise<void>,
): Promise<ParquetFile> {
  for (let mark = new Date().toISOString(); ; mark += ' ') {
    const file = await stageFile(path, (tempPath) => write(tempPath, mark));
    if (file.bytes !== bytes) return file;
  }
}

/**
 * Has an object written, which is there as a whole or not at all, and durable when it is.
 * @param bytesOf tells its size
 * @throws SluiceError SLUICE_LAKE
 */
export async function writeObject(
  path: string,
  write: (path: string) => Promise<void>,
  bytesOf: (path: string) => Promise<number>,
): Promise<ParquetFile> {
  try {
    await write(path);
    return { tempPath: path, path, bytes: await bytesOf(path) };
  } catch (thrown) {
    throw outageError(thrown, `cannot write ${path}`);
  }
}

/**
 * Has a file written where it stays, and fsyncs it. After a failure there is no such file.
 * @param write as for `stageFile`
 * @throws SluiceError as `stageFile`; SLUICE_FENCED if somebody has removed it: who owns its partition now
 */
export async function writeFileInPlace(path: string, write: (path: string) => Promise<void>): Promise<ParquetFile> {
  let isWritten = false;
  try {
    makeFolder(dirname(path));
    await write(path);
    isWritten = true;
    sync(path);
    return { tempPath: path, path, bytes: statSync(path).size };
  } catch (cause) {
    if (isWritten && (cause as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new SluiceError(
        'SLUICE_FENCED',
        `${path} was removed as soon as it was written: another process has taken the partition over. What was not ` +
          'committed, it reads again; start again to share the topic with it',
        { cause },
      );
    }
    removeIfPossible(path);
    throw sinkError(cause, `cannot write ${path}`);
  }
}

/** A full disk wants the space back at once; what cannot be removed now is removed at the next start. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Reported is what led here.
  }
}
