/** Specs with masks at random. */
import { type PathJson, pathJson } from '../../src/schema/field-path.js';
import { type Mask, PERIODS } from '../../src/schema/mask.js';
import { specJson, type TableSpec } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { NAMES } from './any-spec.js';
import type { Random } from './random.js';

function anyMask(random: Random): Mask {
  const to = random.below(2) === 0 ? random.pick(PERIODS) : random.pick([1, 7, 1000, 1e12]);
  const masks: Mask[] = [
    'hmac',
    'hmac',
    'redact',
    'drop',
    { partial: { keep: 1 + random.below(5) } },
    { truncate: { to } },
  ];
  return random.pick(masks);
}

function isValid(spec: object): boolean {
  try {
    parseSpec(JSON.stringify(spec), 'of the test');
    return true;
  } catch {
    return false;
  }
}

/** The spec with masks that it can have, of columns, of fields inside of them and of others. */
export function withMasks(plain: TableSpec, random: Random): TableSpec {
  const spec = JSON.parse(specJson(plain)) as { columns: { mask?: Mask }[]; masks?: object[] };
  for (const column of spec.columns) {
    for (let tries = 0; tries < 3 && column.mask === undefined; tries++) {
      column.mask = anyMask(random);
      if (!isValid(spec)) delete column.mask;
    }
  }
  spec.masks = [];
  for (let tries = 0; tries < 16; tries++) {
    spec.masks.push({ path: anyPath(plain, random), mask: anyMask(random) });
    if (!isValid(spec)) spec.masks.pop();
  }
  return parseSpec(JSON.stringify(spec), 'of the test');
}

function anyPath({ columns }: TableSpec, random: Random): PathJson {
  const names = Array.from({ length: 1 + random.below(3) }, () => random.pick(NAMES));
  const around = pathJson(random.pick(random.pick(columns).paths));
  if (random.below(2) === 0) return random.below(4) > 0 ? names : { key: names };
  return 'key' in around ? { key: [...around.key, ...names] } : [...around, ...names];
}
