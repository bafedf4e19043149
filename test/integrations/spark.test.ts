/** Spark on the Parquet files: each column has its own values. */
import { beforeAll, describe, expect, it } from 'vitest';
import { INSTALL_TIMEOUT_MS, pythonWith, runPython, whyNoSpark } from '../support/python.js';
import { type TextRow, trickyDirectory } from '../support/tricky-names.js';

describe.skipIf(whyNoSpark() !== undefined)('Spark', () => {
  let python: string;
  beforeAll(async () => {
    python = await pythonWith('requirements-spark.txt');
  }, INSTALL_TIMEOUT_MS);

  it('reads every column by file, folder and glob', { timeout: 300_000 }, async () => {
    const { folder, file, rows } = await trickyDirectory();
    const read = (await runPython(python, 'read_spark.py', [folder, file])) as Record<string, TextRow[]>;
    const withKey = rows.map((row) => ({ ...row, sluice_partition: row.kafka_partition }));
    expect(read).toEqual({
      file: [rows[0]],
      folder: withKey,
      'folder, columns by name': withKey,
      glob: rows,
      'glob below a base path': withKey,
    });
  });
});
