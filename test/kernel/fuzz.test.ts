/**
 * The kernel held against `JSON.parse` on generated, random and damaged messages, row by row and column by column, in
 * both builds, with the speculative path and without it. `npm run fuzz` does the same with millions of messages.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { withExpectations } from '../support/any-expectations.js';
import { anySpec, keyText, messageText } from '../support/any-spec.js';
import { EQUAL_SHARES } from '../support/event-kinds.js';
import { orderEvents } from '../support/events.js';
import { fuzzRound, type Tally } from '../support/fuzz-rounds.js';
import { expectAsReference, kernelsOf, messagesOf } from '../support/kernel.js';
import { mutated } from '../support/mutate.js';
import { Random } from '../support/random.js';

const MESSAGES = 500;
const LONG = { timeout: 120_000 };
const orders = kernelsOf(ORDERS_SPEC);

/** Fails with the seed. */
function forSeeds(runs: number, check: (random: Random) => void): void {
  fc.assert(
    fc.property(fc.integer(), (seed) => check(new Random(seed))),
    { numRuns: runs },
  );
}

describe('order events', () => {
  it('of every kind are read as the reference reads them', LONG, () => {
    forSeeds(20, (random) => {
      const events = orderEvents({ count: MESSAGES, seed: random.below(2 ** 31), shares: EQUAL_SHARES });
      expectAsReference(orders, ORDERS_SPEC, messagesOf([...events].map(({ value }) => value)));
    });
  });
});

describe('rounds of messages of any shape', () => {
  const WANTED = 100_000;
  /** Rounds differ in their spec and in how much is damaged: enough of them, so that all are there. */
  const ROUND_ROWS = 5000;

  it(`with ${WANTED} damaged ones are read as the reference reads them`, LONG, async () => {
    const tally: Tally = { generated: 0, mutated: 0, learned: 0 };
    let rounds = 0;
    const round = fc.asyncProperty(fc.integer(), async (seed) => {
      // The test runner wants to hear of its tests in between.
      await new Promise((resolve) => setImmediate(resolve));
      if (tally.mutated < WANTED) fuzzRound(seed, ROUND_ROWS, tally, rounds++ % 4 === 0 ? 'debug' : 'release');
    });
    await fc.assert(round, { numRuns: 500, endOnFailure: true });
    expect(tally.mutated).toBeGreaterThanOrEqual(WANTED);
  });
});

describe('any spec', () => {
  it('reads random objects as the reference does, whole and damaged', LONG, () => {
    fc.assert(
      fc.property(anySpec, fc.integer(), (plain, seed) => {
        const random = new Random(seed);
        const spec = random.below(2) === 0 ? withExpectations(plain, random) : plain;
        const values = Array.from({ length: 200 }, (_, index) => {
          const whole = Buffer.from(messageText(random));
          return index % 2 === 0 ? whole : mutated(whole, random);
        });
        const keys = values.map(() => keyText(random));
        expectAsReference(kernelsOf(spec), spec, messagesOf(values, 3, keys));
      }),
      { numRuns: 30 },
    );
  });
});

describe('JSON.parse', () => {
  it('agrees on arbitrary values as messages and as fields', LONG, () => {
    const text = fc.oneof(
      fc.json(),
      fc.string().map((value) => JSON.stringify(value)),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 50 }), (texts) => {
        const fields = texts.map((json) => `{"change_id":"i","order_id":"k","items":${json},"other":${json}}`);
        expectAsReference(orders, ORDERS_SPEC, messagesOf([...texts, ...fields]));
      }),
      { numRuns: 200 },
    );
  });
});
