/**
 * Holds the kernel against the reference on millions of messages: `npm run fuzz -- [--generated N] [--mutated N]
 * [--seed S] [--build release|debug]`. Stops if one differs, and says which round: `--seed S --only` repeats it.
 */
import { parseArgs } from 'node:util';
import { fuzzRound, type Tally } from './fuzz-rounds.js';

const { values: flags } = parseArgs({
  options: {
    /** At least so many of each. */
    generated: { type: 'string', default: '5000000' },
    mutated: { type: 'string', default: '10000000' },
    /** Of the first round; the others count up. */
    seed: { type: 'string', default: '1' },
    /** One round only. */
    only: { type: 'boolean', default: false },
    build: { type: 'string', default: 'release' },
  },
});

const ROUND_ROWS = 20_000;
const REPORT_MS = 30_000;
const MAX_MESSAGE_CHARACTERS = 4000;

function report(tally: Tally, rounds: number, startMs: number): void {
  const rows = tally.generated + tally.mutated;
  const seconds = (performance.now() - startMs) / 1000;
  const { rss } = process.memoryUsage();
  console.log(
    [
      `${seconds.toFixed(0)} s, ${rounds} rounds: ${tally.generated} generated, ${tally.mutated} mutated,`,
      `${((100 * tally.learned) / rows).toFixed(1)}% learned, ${(rows / seconds).toFixed(0)} per second,`,
      `${(rss / 2 ** 20).toFixed(0)} MiB`,
    ].join(' '),
  );
}

const build = flags.build === 'debug' ? 'debug' : 'release';
const tally: Tally = { generated: 0, mutated: 0, learned: 0 };
const start = performance.now();
let [rounds, reported] = [0, start];
do {
  const seed = Number(flags.seed) + rounds++;
  try {
    fuzzRound(seed, ROUND_ROWS, tally, build);
  } catch (error) {
    console.error(`round ${seed} differs from the reference: npm run fuzz -- --seed ${seed} --only --build ${build}`);
    console.error((error as Error).message.slice(0, MAX_MESSAGE_CHARACTERS));
    process.exit(1);
  }
  if (performance.now() - reported > REPORT_MS) {
    reported = performance.now();
    report(tally, rounds, start);
  }
} while (!flags.only && (tally.generated < Number(flags.generated) || tally.mutated < Number(flags.mutated)));
report(tally, rounds, start);
