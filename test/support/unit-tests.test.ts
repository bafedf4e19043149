import { describe, expect, it } from 'vitest';
import { unitTests } from './unit-tests.js';

describe('unit tests', () => {
  const tests = unitTests();

  it('import nothing but sources and plain support', () => {
    expect(tests).toContain('test/pipeline/sequencer.test.ts');
    expect(tests).toContain('test/kernel/kernel.test.ts');
    expect(tests).toContain('test/config.test.ts');
  });

  it('start no server and no other program, directly or through what they import', () => {
    expect(tests).not.toContain('test/kafka/kafka-source.test.ts');
    expect(tests).not.toContain('test/foreign-readers.test.ts');
    expect(tests).not.toContain('test/worker/pool.test.ts');
    expect(tests).not.toContain('test/kernel/fuzz.test.ts');
    expect(tests).not.toContain('test/support/postgres.test.ts');
    expect(tests).not.toContain('test/support/s3.test.ts');
    // Through test/e2e/support.ts.
    expect(tests).not.toContain('test/sinks/duckdb/long-strings.test.ts');
    expect(tests.filter((test) => test.startsWith('test/e2e/') || test.startsWith('test/integrations/'))).toEqual([]);
  });
});
