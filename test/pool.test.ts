import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from './support/batches.js';
import { runCli } from './support/cli.js';

const DIST = new URL('../dist/', import.meta.url);
const SCRIPT = `
  import { WorkerPool } from '${DIST}pool.js';
  import { ORDERS_SPEC } from '${DIST}spec.js';
  const [dataDir, waitMs] = process.argv.slice(2);
  const options = {
    spec: ORDERS_SPEC, topic: 't', dataDir, compression: 'zstd', highValueThreshold: '1000', lateAfterMs: 0,
    batchRows: 1000, batchBytes: 1 << 20, mergeFrom: 'parquet',
  };
  const pool = new WorkerPool(2, options);
  await new Promise((resolve) => setTimeout(resolve, Number(waitMs)));
  await pool.close();
  console.log('closed');
`;

describe('WorkerPool', () => {
  it('can be closed at any moment of its start', async () => {
    const dataDir = temporaryDirectory();
    const script = join(dataDir, 'script.mjs');
    writeFileSync(script, SCRIPT);
    for (let waitMs = 0; waitMs <= 600; waitMs += 60) {
      const args = [dataDir, `${waitMs}`];
      expect(await runCli(args, { script })).toMatchObject({ code: 0, stdout: 'closed\n' });
    }
  });
});
