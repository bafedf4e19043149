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
  const spec = JSON.parse(specJson(plain)) as { columns: { mask?: Mask }[]; masks?: object[]; copies?: object[] };
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
  if (random.below(2) === 0) spec.copies = [];
  for (let tries = random.below(4); tries > 0 && spec.copies !== undefined; tries--) {
    spec.copies.push(anyCopies(plain, random));
    if (!isValid(spec)) spec.copies.pop();
  }
  return parseSpec(JSON.stringify(spec), 'of the test');
}

/** Of all of the value, or of an object in it. */
function anyCopies({ columns }: TableSpec, random: Random): object {
  const path = Array.from({ length: 1 + random.below(2) }, () => random.pick(NAMES));
  const { of, names } = random.pick(random.pick(columns).paths);
  const origin = of === 'value' && names.length > 1 ? { of: names.slice(0, 1) } : {};
  return { path, ...(random.below(2) === 0 && origin), dotted: random.below(2) === 0 };
}

function anyPath({ columns }: TableSpec, random: Random): PathJson {
  const names = Array.from({ length: 1 + random.below(3) }, () => random.pick(NAMES));
  const around = pathJson(random.pick(random.pick(columns).paths));
  if (random.below(2) === 0) return random.below(4) > 0 ? names : { key: names };
  return 'key' in around ? { key: [...around.key, ...names] } : [...around, ...names];
}
