/** A data directory is of one key of masks. */
import { describe, expect, it } from 'vitest';
import { maskKeyId } from '../../../src/schema/mask-key.js';
import { specJson } from '../../../src/schema/spec.js';
import { parseSpec } from '../../../src/schema/spec-file.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { select, sinkOptions, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, openLakeSink } from '../../support/lakes.js';

const COLUMNS = [
  { name: 'id', kind: 'text', required: true, role: 'change_id' },
  { name: 'person', kind: 'text', required: true, role: 'key', mask: 'hmac' },
];
const MASKED = parseSpec(
  JSON.stringify({
    table: 'people_log',
    view: 'people',
    columns: COLUMNS,
  }),
  'of the test',
);
/** Without the column `note`, its field is ignored. */
const withColumns = (...more: object[]) => {
  const ignore = more.length === 0 ? ['note'] : [];
  const spec = { ...JSON.parse(specJson(MASKED)), columns: [...COLUMNS, ...more], ignore };
  return parseSpec(JSON.stringify(spec), 'of the test');
};
const [first, second] = [1, 2].map((byte) => maskKeyId(new Uint8Array(32).fill(byte))!);

async function start(dataDir: string, maskKeyId: string | undefined, spec = MASKED): Promise<void> {
  const sink = new DuckDbSink({ ...sinkOptions(dataDir, { spec }), maskKeyId });
  await sink.open();
  await sink.close();
}

it('a column keeps its mask over starts without it', async () => {
  const dataDir = temporaryDirectory();
  const note = { name: 'note', kind: 'text' };
  const masked = { ...note, mask: 'redact' };
  for (const more of [[masked], [], [masked], []]) await start(dataDir, first, withColumns(...more));
  await expect(start(dataDir, first, withColumns(note))).rejects.toMatchObject({
    code: 'SLUICE_SPEC_CHANGED',
    message: expect.stringContaining('has the mask "redact" in the data directory, and no mask in the table spec'),
  });
});

describe('the key of masks', () => {
  it('has an id of 4 bytes', () => {
    expect(first).toMatch(/^[0-9a-f]{8}$/);
    expect(second).not.toBe(first);
  });

  it('is that of the first start that knows it, and another is refused', async () => {
    const dataDir = temporaryDirectory();
    await start(dataDir, undefined);
    await start(dataDir, first);
    await expect(start(dataDir, second)).rejects.toMatchObject({
      code: 'SLUICE_CONFIG',
      message: expect.stringMatching(`key ${first}, MASK_KEY_FILE has the key ${second}: name the file`),
    });
    await start(dataDir, first);
  });

  it('leaves no trace without masks', async () => {
    const sink = new DuckDbSink({ ...sinkOptions(temporaryDirectory()), maskKeyId: first });
    await sink.open();
    const columns = `SELECT 1 FROM duckdb_columns() WHERE column_name = 'mask_key_id'`;
    expect(await select(sink, columns)).toEqual([]);
    await sink.close();
  });

  it.skipIf(whyNoExtensions() !== undefined)('is that of a lake, too', async () => {
    const options = { ...lakeOptions(temporaryDirectory()), spec: MASKED };
    await (await openLakeSink(options)).close();
    await (await openLakeSink({ ...options, maskKeyId: first })).close();
    await expect(openLakeSink({ ...options, maskKeyId: second })).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
    await (await openLakeSink({ ...options, maskKeyId: first })).close();
  });
});
