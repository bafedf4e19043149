import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Heavy, and run by `npm run test:integrations`.
    exclude: ['test/integrations/**'],
    // The Kafka addon can be loaded by one thread of a process only: each test file has a process of its own.
    pool: 'forks',
    globalSetup: ['test/support/kafka/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // The default reporter last: its summary ends the output. The file is what .ci/run counts.
    reporters: ['json', 'default'],
    outputFile: { json: 'build/test-results.json' },
  },
});
