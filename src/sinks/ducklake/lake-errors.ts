/** Why a lake cannot be opened. */
import { setTimeout } from 'node:timers/promises';
import { isLocked, SluiceError } from '../../core/errors.js';
import type { LakeOptions } from './lake.js';
import { isPostgres } from './settings.js';

/** How often others may be faster, for what is done anew. */
const MAX_CONFLICTS = 20;
const MAX_PAUSE_MS = 200;

/** Why the lake cannot be attached. */
export function attachError(cause: unknown, { catalog, dataDir, dataPath }: LakeOptions): SluiceError {
  if (cause instanceof SluiceError) return cause;
  const message = (cause as Error).message;
  if (isLocked(cause)) {
    const text = `${catalog} is held by another process: stop it, or use a catalog in Postgres`;
    return new SluiceError('SLUICE_LOCKED', text, { cause });
  }
  const [, found] = /does not match existing data path in the catalog "(.*?)\/?"/.exec(message) ?? [];
  if (found !== undefined) {
    const text = `the lake has its files in ${found}, LAKE_DATA_PATH is ${dataPath}: a lake stays where it was made`;
    return new SluiceError('SLUICE_CONFIG', text, { cause });
  }
  const [problem] = message.split('\n');
  if (/No snapshot found|Failed to cast value/.test(problem)) {
    return new SluiceError('SLUICE_CONFIG', `the lake cannot be read as it was then: ${problem}`, { cause });
  }
  if (/in read-only mode|does not exist - and creating/.test(problem)) {
    return new SluiceError('SLUICE_CONFIG', 'there is no lake yet: "sluice run" makes it', { cause });
  }
  const where = isPostgres(catalog) ? 'in Postgres' : `${catalog} (DATA_DIR=${dataDir})`;
  const [, version, ours] =
    /catalog version is (\S+), but the extension requires version (\S+?)\. /.exec(message) ?? [];
  if (version !== undefined) {
    const text =
      `the catalog ${where} has DuckLake's version ${version}, this DuckDB's extension reads ${ours}: use the ` +
      'release of Sluice that wrote it, or migrate it with DuckDB (AUTOMATIC_MIGRATION) when no process uses it';
    return new SluiceError('SLUICE_LAKE', text, { cause });
  }
  return new SluiceError('SLUICE_LAKE', `the catalog ${where} cannot be opened: ${reasonOf(message)}`, { cause });
}

/** Why the lake's files cannot be reached. */
export function filesError(cause: unknown, dataPath: string): SluiceError {
  const reason = (cause as Error).message.split('\n').filter(Boolean).slice(0, 2).join('; ');
  return new SluiceError('SLUICE_LAKE', `LAKE_DATA_PATH=${dataPath} cannot be reached: ${reason}`, { cause });
}

/** What Postgres or DuckDB said itself, without what was tried around it. */
function reasonOf(message: string): string {
  const [, postgres] = /(connection to server .*|could not translate .*)/.exec(message) ?? [];
  return postgres ?? message.split('\n')[0].replace(/^.*(?=The file ")/, '');
}

/** Whether another transaction of the lake was faster, so that the same work succeeds later. */
export function isLakeConflict(thrown: unknown): boolean {
  // Not what a statement says, which has names in it.
  const reason = String(thrown).replace(/Failed to execute query "[\s\S]*": /, '');
  return /conflict|maximum retry count|could not serialize|SLUICE_OVERTAKEN: /i.test(reason);
}

/** Does what is short and can be done again, until no other transaction is faster. @throws the last conflict */
export async function whileConflicting(work: () => Promise<unknown>): Promise<void> {
  for (let conflicts = 0; ; conflicts++) {
    try {
      await work();
      return;
    } catch (thrown) {
      if (!isLakeConflict(thrown) || conflicts === MAX_CONFLICTS) throw thrown;
      await setTimeout(Math.random() * MAX_PAUSE_MS);
    }
  }
}
