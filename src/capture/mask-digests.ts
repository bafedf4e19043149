/** What a capture masks, in short: it is kept with its position, so that no later start masks less of the topic. */
import { createHash } from 'node:crypto';
import type { FieldPath } from '../schema/field-path.js';
import type { Mask } from '../schema/mask.js';
import type { TableSpec } from '../schema/spec.js';

/** Of a position, which has to fit into the smallest message. */
const DIGEST_LENGTH = 6;

/** One for each masked field and its mask. */
export function maskDigests({ columns, masks }: Pick<TableSpec, 'columns' | 'masks'>): string[] {
  const ofColumns = columns.flatMap(({ mask, paths }) =>
    mask === undefined ? [] : paths.map((path) => digest(path, mask)),
  );
  return [...ofColumns, ...masks.map(({ path, mask }) => digest(path, mask))];
}

function digest({ of, names }: FieldPath, mask: Mask): string {
  const text = JSON.stringify([of, names, mask]);
  return createHash('sha256').update(text).digest('base64url').slice(0, DIGEST_LENGTH);
}
