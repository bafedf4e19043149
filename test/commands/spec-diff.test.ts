/** What the difference of two specs says is what a start does: it refuses those, and only those, that are refused. */
import { cpSync } from 'node:fs';
import { expect, it } from 'vitest';
import { specDiff } from '../../src/commands/spec-diff.js';
import { readConfig } from '../../src/config.js';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';
import { DuckDbSink } from '../../src/sinks/duckdb/sink.js';
import { makeBatch, openSink, order, sinkOptions, TOPIC, temporaryDirectory } from '../support/batches.js';
import { EXTENSION_DIRECTORY, whyNoExtensions } from '../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../support/lakes.js';

type Column = Record<string, unknown>;
interface Json {
  [name: string]: unknown;
  columns: Column[];
}

const NOTE = { name: 'note', kind: 'text' };

function edited(edit: (spec: Json) => Json) {
  return parseSpec(JSON.stringify(edit(JSON.parse(specJson(ORDERS_SPEC)) as Json)), 'test');
}
const withColumns = (edit: (columns: Column[]) => Column[]) =>
  edited((spec) => ({ ...spec, columns: edit(spec.columns) }));
const change = (name: string, more: Column) =>
  withColumns((columns) => columns.map((column) => (column.name === name ? { ...column, ...more } : column)));

/** A directory that had a column `gone` once, and has it no longer in its spec. */
async function directory(): Promise<string> {
  const dataDir = temporaryDirectory();
  const old = await openSink(dataDir, { spec: withColumns((all) => [...all, { name: 'gone', kind: 'int64' }]) });
  await old.close();
  const sink = await openSink(dataDir);
  const values = [order('a', { note: 'n', level: 1 }), order('b', { level: 'high' }), order('c')];
  await sink.stage(await makeBatch(dataDir, 0, 0, values));
  await sink.commit();
  await sink.close();
  return dataDir;
}

const MANY = Array.from({ length: 64 - ORDERS_SPEC.columns.length }, (_, index) => ({
  name: `n${index}`,
  kind: 'text',
}));

it('agrees with a start, and says what changes', { timeout: 60_000 }, async () => {
  const dataDir = await directory();
  const config = readConfig({ DATA_DIR: dataDir });
  const cases: [ReturnType<typeof edited>, RegExp][] = [
    [ORDERS_SPEC, /^the data directory has this table spec\n$/],
    [
      withColumns((all) => [NOTE, { name: 'level', kind: 'int64' }, ...all]),
      new RegExp(
        '^added {4}column note, text .*of the last 3 rows, 1 have a value in extra: ' +
          '"sluice backfill note --spec new.json"\n' +
          'added {4}column level.* 1 have a value in extra, 1 have one that it cannot take: .*\n$',
      ),
    ],
    [change('status', { kind: 'int64' }), /^refused {2}column status is text, the spec makes it int64: .*\n$/],
    [change('status', { kind: 'json' }), /^refused {2}column status is text, the spec makes it json/],
    [withColumns((all) => [...all, { name: 'gone', kind: 'text' }]), /^refused {2}column gone is BIGINT/],
    [withColumns((all) => [...all, { name: 'gone', kind: 'int64' }]), /^added {4}column gone, int64/],
    [
      change('status', { mask: 'redact' }),
      /^refused {2}column status has no mask, the spec gives it the mask "redact"/,
    ],
    [edited((spec) => ({ ...spec, table: 'other' })), /^refused {2}it has the table cdc_orders with the change id/],
    [withColumns((all) => all.filter(({ role }) => role !== 'change_id')), /^refused .*without a change id/],
    [withColumns((all) => [...all, ...MANY]), /^refused {2}it has had \d+ columns, the spec adds \d+: 64 /],
    [withColumns((all) => all.filter(({ name }) => name !== 'status')), /^changed {2}column status is not in the spec/],
    [
      change('status', { path: 'state' }),
      /^changed {2}column status is read from \["state"\], until now from \["status"\]/,
    ],
    [
      edited((spec) => ({ ...spec, view: 'newest', ignore: ['x'] })),
      /^changed {2}view is "newest".*\nchanged {2}ignore is/,
    ],
  ];
  for (const [spec, says] of cases) {
    const { accepted, text } = await specDiff(config, spec, { file: 'new.json', last: 10 });
    expect(text).toMatch(says);
    expect(accepted).toBe(!text.startsWith('refused'));
    const copy = temporaryDirectory();
    cpSync(dataDir, copy, { recursive: true });
    const sink = new DuckDbSink(sinkOptions(copy, { spec }));
    const started = await sink.open().then(
      () => true,
      ({ code }) => code,
    );
    await sink.close().catch(() => {});
    expect(started, text).toBe(accepted ? true : 'SLUICE_SPEC_CHANGED');
  }
});

it.skipIf(whyNoExtensions() !== undefined)('advises a backfill of a lake, too', async () => {
  const options = lakeOptions(temporaryDirectory());
  const env = { DATA_DIR: options.dataDir, KAFKA_TOPIC: TOPIC, SINK: 'ducklake' };
  const config = readConfig({ ...env, DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY });
  const sink = await openLakeSink(options);
  await sink.stage(await makeLakeBatch(options, 0, 0, [order('a', { note: 'n' }), order('b')]));
  await sink.commit();
  await sink.close();
  const spec = withColumns((columns) => [...columns, NOTE]);
  const { accepted, text } = await specDiff(config, spec, { file: 'new.json', last: 10 });
  expect(accepted).toBe(true);
  expect(text).toMatch(
    /^added {4}column note.*; of the last 2 rows, 1 have a value in extra: "sluice backfill note --spec new.json"\n$/,
  );
});
