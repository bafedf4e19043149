import { defineConfig } from 'vitest/config';

/** Tests with large programs of others, apart from `npm test`: `npm run test:integrations`. */
export default defineConfig({
  test: {
    // Those of capture a second time, with another server, whose streams do not end when a collection is dropped.
    include: ['test/integrations/**/*.test.ts', 'test/e2e/capture{,-documents,-sources}.test.ts'],
    pool: 'forks',
    globalSetup: ['test/support/kafka/global-setup.ts', 'test/support/mongo/global-setup.ts'],
    hookTimeout: 120_000,
    // count-tests.mjs names those that needed it.
    retry: process.env.CI === 'true' ? 1 : 0,
    reporters: ['json', 'default'],
    outputFile: { json: 'build/integrations-results.json' },
  },
});
