import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/sequence.js';

/** At least two: tests with servers wait more than they compute. Each may start a broker, so a limit as well. */
const PROCESSES = Math.min(Math.max(availableParallelism(), 2), 4);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Heavy, and run by `npm run test:integrations`.
    exclude: ['test/integrations/**'],
    // The Kafka addon can be loaded by one thread of a process only: each test file has a process of its own.
    pool: 'forks',
    maxWorkers: PROCESSES,
    sequence: { sequencer: LongestFirst },
    // count-tests.mjs names those that needed it.
    retry: process.env.CI === 'true' ? 1 : 0,
    globalSetup: ['test/support/kafka/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // The default reporter last: its summary ends the output. The file is what .ci/run counts.
    reporters: ['json', 'default'],
    outputFile: { json: 'build/test-results.json' },
  },
});
