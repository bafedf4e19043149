/**
 * Rounds of random messages, read by kernels that are new in each round: so a round is repeated by its seed alone. A
 * round is of one spec and of a few writers, each with its own order of keys and spaces, who take turns; batches have
 * any size. Where most rows are damaged nothing is learned, so rounds differ in their share of damaged ones.
 */
import fc from 'fast-check';
import type { Kernel } from '../../src/kernel/kernel.js';
import type { KernelFileOptions } from '../../src/kernel/kernel-file.js';
import type { TableSpec } from '../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { withExpectations } from './any-expectations.js';
import { anySpec, keyText, messageText } from './any-spec.js';
import { CDC_SPEC, cdcMessages } from './cdc-messages.js';
import { DEFAULT_SHARES, EQUAL_SHARES, type Shares } from './event-kinds.js';
import { orderEvents } from './events.js';
import { expectAsReference, kernelsOf, messagesOf, VARIANTS } from './kernel.js';
import { KINDS_SPEC } from './kinds-spec.js';
import { mutated } from './mutate.js';
import { Random } from './random.js';
import type { ReferenceMessage } from './reference.js';
import { ALL_SHAPES, filled } from './shapes.js';

export interface Tally {
  /** Messages as they were generated. */
  generated: number;
  mutated: number;
  /** Of all of these: how many a kernel read on the speculative path. */
  learned: number;
}

type Value = Buffer | null;
/** Makes the messages of a batch. */
type Source = (rows: number, random: Random) => Value[];
type Key = Buffer | string | null;

/** In small batches little is learned: most of the rows of most rounds come in large ones. */
const BATCH_ROWS = [
  [1, 2, 3, 20, 300],
  [1, 2, 3, 63, 64, 65, 127, 128, 129, 500, 1000],
  [1000, 2000],
  [1001, 2003],
];
const MUTATED_SHARES = [0.1, 0.3, 0.4, 0.4, 1, 1];
const SHARES: readonly Shares[] = [{}, DEFAULT_SHARES, DEFAULT_SHARES, EQUAL_SHARES];
/** Most messages are order events; those of random specs take the reference longest. */
const SOURCES = [...Array.from({ length: 11 }, () => orders), shapes, shapes, shapes, changes, changes, objects];

/** Reads a round with and without the speculative path, and adds to the tally. @throws if one differs */
export function fuzzRound(seed: number, rows: number, tally: Tally, build: KernelFileOptions['wasm']): void {
  const { spec, batches } = randomRound(seed, rows);
  const kernels = kernelsOf(
    spec,
    {},
    VARIANTS.filter(({ wasm }) => wasm === build),
  );
  const counted = countingLearned(kernels[0], tally);
  for (const { messages, damaged } of batches) {
    tally.mutated += damaged;
    tally.generated += messages.length - damaged;
    expectAsReference([counted, ...kernels.slice(1)], spec, messages);
  }
}

export interface Round {
  readonly spec: TableSpec;
  /** Messages of one partition. */
  readonly batches: Iterable<{ readonly messages: ReferenceMessage[]; readonly damaged: number }>;
}

/** The spec and the batches of a round: the same for the same seed and number of rows. */
export function randomRound(seed: number, rows: number): Round {
  const random = new Random(seed);
  const round = random.pick(SOURCES)(random);
  const spec = random.below(3) === 0 ? withExpectations(round.spec, random) : round.spec;
  return { spec, batches: batchesOf(round, rows, random) };
}

function* batchesOf(
  { source, key = () => null }: RoundOf,
  rows: number,
  random: Random,
): Generator<{
  messages: ReferenceMessage[];
  damaged: number;
}> {
  const share = random.pick(MUTATED_SHARES);
  const sizes = random.pick(BATCH_ROWS);
  for (let left = rows; left > 0; ) {
    let damaged = 0;
    const values = source(Math.min(left, random.pick(sizes)), random).map((value) => {
      const isMutated = value !== null && random.next() < share;
      if (isMutated) damaged++;
      return isMutated ? mutated(value, random) : value;
    });
    const keys = values.map(() => {
      const text = key(random);
      return text !== null && random.next() < share / 4 ? mutated(Buffer.from(text), random) : text;
    });
    yield { messages: messagesOf(values, 3, keys), damaged };
    left -= values.length;
  }
}

function countingLearned(kernel: Kernel, tally: Tally): Pick<Kernel, 'read'> {
  return {
    read: (partition, chunks) => {
      const output = kernel.read(partition, chunks);
      tally.learned += output.rowsLearned;
      return output;
    },
  };
}

interface RoundOf {
  readonly spec: TableSpec;
  readonly source: Source;
  /** The key of a message; none by default. */
  readonly key?: (random: Random) => Key;
}

/** Order events as some writers write them, who take turns in runs of any length. */
function orders(random: Random): RoundOf {
  const shares = random.pick(SHARES);
  const writers = Array.from({ length: 1 + random.below(5) }, () => writer(random));
  const source: Source = (rows, batch) => {
    let now = batch.pick(writers);
    const turn = batch.pick([0.5, 0.05, 0.005]);
    return [...orderEvents({ count: rows, seed: batch.below(2 ** 31), shares })].map(({ value, kind }) => {
      if (batch.next() < turn) now = batch.pick(writers);
      // What is odd about the others is in how they are written.
      return kind === 'plain' && value !== null ? now(value) : value;
    });
  };
  return { spec: ORDERS_SPEC, source };
}

function writer(random: Random): (value: Buffer) => Buffer {
  const order = random.below(2 ** 31);
  const more = random.below(3) === 0 ? { [`note_${random.below(100)}`]: random.pick([null, 'x', { by: 'me' }]) } : {};
  const spaces = random.pick(['', '', ' ', '  ', '\t', '    ']);
  if (random.below(3) === 0) return (value) => value;
  return (value) => {
    const fields = Object.entries({ ...(JSON.parse(value.toString()) as object), ...more });
    const shuffle = new Random(order);
    const placed = fields.map((field) => ({ field, at: shuffle.next() })).sort((a, b) => a.at - b.at);
    return Buffer.from(JSON.stringify(Object.fromEntries(placed.map(({ field }) => field)), null, spaces));
  };
}

/** Messages of a few shapes that are easily taken for each other. */
function shapes(random: Random): RoundOf {
  const few = Array.from({ length: 1 + random.below(8) }, () => random.pick(ALL_SHAPES));
  return {
    spec: KINDS_SPEC,
    source: (rows, batch) => Array.from({ length: rows }, () => filled(batch.pick(few), batch)),
  };
}

/** Change events as connectors write them. */
function changes(random: Random): RoundOf {
  const make = cdcMessages(random);
  const keys: Key[] = [];
  const source: Source = (rows, batch) =>
    Array.from({ length: rows }, () => {
      const { key, value } = make(batch);
      keys.push(key);
      return value === null ? null : Buffer.from(value);
    });
  // The keys of the values, in their order.
  return { spec: CDC_SPEC, source, key: () => keys.shift() ?? null };
}

/** Objects for a random spec: many of no known shape, and many of a few texts again and again. */
function objects(random: Random): RoundOf {
  const [spec] = fc.sample(anySpec, { numRuns: 1, seed: random.below(2 ** 31) });
  const known = Array.from({ length: 1 + random.below(20) }, () => Buffer.from(messageText(random)));
  const fresh = random.pick([0.05, 0.5]);
  const source: Source = (rows, batch) =>
    Array.from({ length: rows }, () => (batch.next() < fresh ? Buffer.from(messageText(batch)) : batch.pick(known)));
  const keys = Array.from({ length: 1 + random.below(20) }, () => keyText(random));
  return { spec, source, key: (batch) => (batch.next() < fresh ? keyText(batch) : batch.pick(keys)) };
}
