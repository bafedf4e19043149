/**
 * Messages of shapes that take turns: what was learned of some rows must not show in others. All kernels read the same
 * rows, with the speculative path and without it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { orderEvents } from '../support/events.js';
import { tightKernels } from '../support/guarded-kernel.js';
import { chunksOf, expectAsReference, kernelsOf, messagesOf, VARIANTS } from '../support/kernel.js';
import { KINDS_SPEC } from '../support/kinds-spec.js';
import { mutated } from '../support/mutate.js';
import { Random } from '../support/random.js';
import { ALL_SHAPES, filled, SHAPES } from '../support/shapes.js';

/** Enough for a shape to be known. */
const LEARNED_ROWS = 100;

/** So many messages of a shape. */
function repeated(shape: string, rows: number, random: Random): Buffer[] {
  return Array.from({ length: rows }, () => filled(shape, random));
}

/** Reads the messages with kernels that know nothing yet, at the end of an input region that they fill. */
function expectFresh(values: readonly Buffer[]): void {
  const messages = messagesOf(values);
  expectAsReference([...kernelsOf(KINDS_SPEC), ...tightKernels(KINDS_SPEC, messages)], KINDS_SPEC, messages);
}

describe.each(Object.entries<readonly string[]>(SHAPES))('%s', (_name, shapes) => {
  const random = new Random(shapes.length);

  it('come as the odd row among many of one shape', () => {
    for (const usual of shapes.slice(0, 3)) {
      const odd = shapes.flatMap((shape) => [filled(shape, random), ...repeated(usual, 1 + random.below(4), random)]);
      expectFresh([...repeated(usual, LEARNED_ROWS, random), ...odd, ...repeated(usual, 10, random)]);
    }
  });

  it('take turns', () => {
    const turns = shapes.flatMap((shape, index) => {
      const next = shapes[(index + 1) % shapes.length];
      return Array.from({ length: 24 }, (_, n) => filled(n % (2 + (index % 2)) === 0 ? shape : next, random));
    });
    expectFresh(turns);
  });

  it('come in any order', () => {
    expectFresh(Array.from({ length: 400 }, () => filled(random.pick(shapes), random)));
  });
});

describe('rows', () => {
  it('of one shape are learned, and never if that is off', () => {
    const values = [...orderEvents({ count: 1000, shares: {} })].map(({ value }) => value);
    const handles = chunksOf(messagesOf(values)).map((chunk) => chunk.handle());
    for (const [index, kernel] of kernelsOf(ORDERS_SPEC).entries()) {
      const { rowsLearned } = kernel.read(0, handles);
      if (VARIANTS[index].learned) expect(rowsLearned).toBeGreaterThan(values.length / 2);
      else expect(rowsLearned).toBe(0);
      expect(rowsLearned).toBeLessThanOrEqual(values.length);
    }
  });

  it('of all shapes come in any order, a few shapes at a time, some damaged', () => {
    const check = (seed: number) => {
      const random = new Random(seed);
      const kernels = kernelsOf(KINDS_SPEC);
      const few = Array.from({ length: 1 + random.below(6) }, () => random.pick(ALL_SHAPES));
      for (const rows of [200, random.below(200), random.below(200)]) {
        const values = Array.from({ length: rows }, () => {
          const value = filled(random.pick(few), random);
          return random.below(20) === 0 ? mutated(value, random) : value;
        });
        expectAsReference(kernels, KINDS_SPEC, messagesOf(values));
      }
    };
    fc.assert(fc.property(fc.integer(), check), { numRuns: 25 });
  });
});

/** Members of a message; of one of these, and of what is in them, a message is composed anew each time. */
const MEMBERS = [
  ...['"text":"%"', '"text":@', '"json":@', '"json":[#,{"a":"%"}]', '"json":{}', '"amount":"%"', '"amount":#'],
  ...['"amount":{"$numberDecimal":"#"}', '"time":"2025-01-02T03:04:05Z"', '"time":@', '"int":#', '"int":"#"'],
  ...['"flag":true', '"flag":@', '"":"%"', '"tex":"%"', '"texts":"%"', '"a.b":"%"', '"te\\u0078t":"%"', '"x":"%"'],
  ...['"x":#', '"x":@', '"x":[]', '"x":[[#,"%"],{"a":{"d":"%"}}]', '"yy":{"text":"%"}', '"schön":"%"', '"a":@'],
];
const INNER_MEMBERS = [
  ...['"d":"%"', '"d":#', '"d":@', '"text":"%"', '"json":@', '"amount":#', '"x":#', '"x":{"d":"%"}', '"b":@'],
  ...['"a":{"flag":true}', '"a":{"flag":@,"x":#}', '"b":{"c":{"d":"%"}}', '"b":{"c":{"x":#,"d":"%"},"x":"%"}'],
  ...['"":{"":#}', '"":@', '"b":{"c":{}}', '"a":{}', '"a":[]'],
];

/** Some members of the list, in any order, rarely one of them twice. */
function someOf(members: readonly string[], most: number, random: Random): string[] {
  return Array.from({ length: random.below(most + 1) }, () => random.pick(members));
}

function objectShape(random: Random): string {
  const inner = () => `"${random.pick(['a', 'b', 'b', 'x'])}":{${someOf(INNER_MEMBERS, 4, random).join(',')}}`;
  const head = random.below(10) > 0 ? ['"id":"82%"', '"key":"%"'] : ['"id":"%"'];
  const members = [...someOf(MEMBERS, 5, random), ...Array.from({ length: random.below(3) }, inner)];
  for (const member of head) members.splice(random.below(members.length + 1), 0, member);
  return `{${members.join(random.pick([',', ',', ', ', ',\n  ']))}}`;
}

/** The members of one up to somewhere, and those of the other from somewhere on: a way that no row has gone. */
function crossed(first: string, second: string, random: Random): string {
  const [heads, tails] = [first.split(','), second.split(',')];
  return [...heads.slice(0, random.below(heads.length + 1)), ...tails.slice(random.below(tails.length + 1))].join(',');
}

describe('composed rows', () => {
  it('of pieces that were seen apart are read as the reference reads them', () => {
    const check = (seed: number) => {
      const random = new Random(seed);
      const kernels = kernelsOf(KINDS_SPEC);
      const few = Array.from({ length: 1 + random.below(4) }, () => objectShape(random));
      for (const crossings of [0, 0.1, 0.3]) {
        const values = Array.from({ length: 150 }, () => {
          const shape = random.pick(few);
          return filled(random.next() < crossings ? crossed(shape, random.pick(few), random) : shape, random);
        });
        expectAsReference(kernels, KINDS_SPEC, messagesOf(values));
      }
    };
    fc.assert(fc.property(fc.integer(), check), { numRuns: 30 });
  });
});
