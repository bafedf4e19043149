import { defineConfig } from 'vitest/config';
export default defineConfig({
  root: '/work/wt/metrics',
  test: {
    include: ['test/integrations/alerts.test.ts', 'test/e2e/capture.test.ts'],
    pool: 'forks',
    globalSetup: ['test/support/kafka/global-setup.ts'],
    hookTimeout: 120_000,
  },
});
