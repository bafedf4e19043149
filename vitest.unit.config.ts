import { defineConfig } from 'vitest/config';
import { unitTests } from './test/support/unit-tests.js';

/** Mutation testing (scripts/mutate.mjs) runs these tests, or the unit tests below a path; undefined for all. */
const only = process.env.UNIT_TESTS?.split(',');

/** For daily work, without servers and other programs: `npm run test:unit`. */
export default defineConfig({
  test: {
    include: only?.every((path) => path.endsWith('.test.ts'))
      ? only
      : unitTests().filter((name) => only?.some((path) => name.startsWith(path)) ?? true),
    // As in vitest.config.ts: files that share what they import would also share what one of them mocks.
    pool: 'forks',
    maxWorkers: '100%',
    // Mutation testing has no processes, but threads.
    setupFiles: only === undefined ? [] : ['test/support/main-thread.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
