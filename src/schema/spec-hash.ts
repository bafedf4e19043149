import { createHash } from 'node:crypto';
import { specJson, type TableSpec } from './spec.js';

/** Hex SHA-256 of the spec in canonical form: equal specs have equal hashes, whatever their formatting was. */
export function specHash(spec: TableSpec): string {
  return createHash('sha256').update(specJson(spec)).digest('hex');
}
