/** Which key the masks of a data directory or a lake are of: with another, equal texts would have other HMACs. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../../core/errors.js';
import { literal, rowsOf } from '../../core/sql.js';
import { hasMasks } from '../../schema/mask.js';
import type { TableSpec } from '../../schema/spec.js';

/**
 * @param meta the row of `sluice.meta`: one without the id is of no key yet
 * @param id of the key of this process (`maskKeyId`); undefined: it has none
 * @throws SluiceError SLUICE_CONFIG if it is another key
 */
export function checkMaskKey(meta: Readonly<Record<string, unknown>> | undefined, id: string | undefined): void {
  const known = meta?.mask_key_id ?? undefined;
  if (known === undefined || id === undefined || known === id) return;
  throw new SluiceError(
    'SLUICE_CONFIG',
    `the masks in here are of the key ${String(known)}, MASK_KEY_FILE has the key ${id}: name the file of the first ` +
      'one, or read the topic again into another place',
  );
}

/** Remembers the key of the first start that has masks. */
export async function storeMaskKey(
  connection: DuckDBConnection,
  spec: TableSpec,
  id: string | undefined,
): Promise<void> {
  if (id === undefined || !hasMasks(spec)) return;
  const [meta] = await rowsOf(connection, 'FROM sluice.meta');
  if (meta.mask_key_id === id) return;
  await connection.run('BEGIN');
  try {
    await writeMaskKey(connection, id);
    await connection.run('COMMIT');
  } catch (thrown) {
    await connection.run('ROLLBACK').catch(() => {});
    throw thrown;
  }
}

/** In the connection's transaction. */
export async function writeMaskKey(connection: DuckDBConnection, id: string): Promise<void> {
  await connection.run('ALTER TABLE sluice.meta ADD COLUMN IF NOT EXISTS mask_key_id VARCHAR');
  await connection.run(`UPDATE sluice.meta SET mask_key_id = ${literal(id)}`);
}
