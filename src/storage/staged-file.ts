/** A file that does not count yet: written beside its final place under a temporary name, and durable there. */
import { rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { sinkError } from '../core/errors.js';
import type { ParquetFile } from '../core/flow.js';
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

/** A full disk wants the space back at once; what cannot be removed now is removed at the next start. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Reported is what led here.
  }
}
