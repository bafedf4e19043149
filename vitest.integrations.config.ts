import { defineConfig } from 'vitest/config';

/** Tests with large programs of others, apart from `npm test`: `npm run test:integrations`. */
export default defineConfig({
  test: {
    include: ['test/integrations/**/*.test.ts'],
    pool: 'forks',
    globalSetup: ['test/support/kafka/global-setup.ts'],
    hookTimeout: 120_000,
    reporters: ['json', 'default'],
    outputFile: { json: 'build/integrations-results.json' },
  },
});
