import { defineConfig } from 'vitest/config';

/** Tests with large programs of others, apart from `npm test`: `npm run test:integrations`. */
export default defineConfig({
  test: {
    include: ['test/integrations/**/*.test.ts'],
    pool: 'forks',
    reporters: ['json', 'default'],
    outputFile: { json: 'build/integrations-results.json' },
  },
});
