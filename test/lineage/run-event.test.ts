/** Events against the schemas that OpenLineage publishes, and what they say. */
import { expect, it } from 'vitest';
import { type BatchStats, NO_STATS } from '../../src/core/batch-stats.js';
import { SluiceError } from '../../src/core/errors.js';
import type { FailedExpectation } from '../../src/core/flow.js';
import { newRunId, RunEvents } from '../../src/lineage/run-event.js';
import { WindowBuilder } from '../../src/lineage/window.js';
import { PRESETS } from '../../src/schema/presets.js';
import { specJson, type TableSpec } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';
import { duckdbType } from '../../src/sinks/duckdb/columns.js';
import { type SentEvent, schemaProblems } from '../support/openlineage.js';

const STARTED = new Date('2026-01-01T00:00:00Z');
const NOW = new Date('2026-01-01T00:01:00Z');

function eventsOf(spec: TableSpec): RunEvents {
  return new RunEvents({
    ...{ producer: 'pkg:npm/sluice-cdc@1.0.0', version: '1.0.0', runId: newRunId(STARTED.getTime()), spec },
    ...{ job: { namespace: 'default', name: 'sluice.orders' }, intervalMs: 60_000, typeName: duckdbType },
    topic: { namespace: 'kafka://127.0.0.1:9092', name: 'orders' },
    outputs: [
      { namespace: 'duckdb:///data/analytics.db', name: 'analytics.main.t', datasetType: 'TABLE', hasBytes: false },
      {
        ...{ namespace: 's3://bucket', name: 'lake/orders', datasetType: 'TABLE', hasBytes: true },
        symlink: { namespace: 'ducklake:/data/catalog.ducklake', name: 'main.t' },
        catalog: { framework: 'ducklake', type: 'duckdb', name: 'lake', metadataUri: '/data/catalog.ducklake' },
      },
    ],
  });
}

const outcome = (stats: BatchStats, ...failedExpectations: FailedExpectation[]) => ({ stats, failedExpectations });

function window() {
  const builder = new WindowBuilder(STARTED);
  const stats = { ...NO_STATS, messages: 100, merged: 90, duplicate: 3, malformed: 2, missing_required: 1 };
  builder.add(outcome({ ...stats, fileBytes: 5000 }), [
    { partition: 1, startOffset: 0, nextOffset: 50 },
    { partition: 0, startOffset: 7, nextOffset: 57 },
  ]);
  builder.add(outcome(NO_STATS), [{ partition: 0, startOffset: 57, nextOffset: 60 }]);
  builder.add(outcome(NO_STATS), [{ partition: 0, startOffset: 99, nextOffset: 100 }]);
  return builder;
}

const sent = (event: unknown) => JSON.parse(JSON.stringify(event)) as SentEvent;

it('each type of event, of each preset, is as the published schemas have it', () => {
  const specs = [ORDERS_SPEC, ...Object.entries(PRESETS).map(([name, text]) => parseSpec(JSON.stringify(text), name))];
  for (const spec of specs) {
    const events = eventsOf(spec);
    for (const type of ['START', 'RUNNING', 'COMPLETE', 'ABORT'] as const) {
      expect(schemaProblems(sent(events.event(type, window().close(NOW), NOW)))).toEqual([]);
    }
    const failure = new SluiceError('SLUICE_SINK', 'the disk is gone');
    const failed = sent(events.event('FAIL', window().close(NOW), NOW, failure));
    expect(schemaProblems(failed)).toEqual([]);
    expect(failed.run.facets.errorMessage.message).toBe('SLUICE_SINK: the disk is gone');
  }
});

it('the schemas would find mistakes', () => {
  const event = sent(eventsOf(ORDERS_SPEC).event('RUNNING', window().close(NOW), NOW));
  const [input] = event.inputs;
  const wrong = {
    ...event,
    run: { ...event.run, runId: '7' },
    inputs: [
      {
        ...input,
        inputFacets: {
          inputStatistics: { ...input.inputFacets!.inputStatistics, rowCount: 'many' },
        },
      },
    ],
  };
  expect(schemaProblems(wrong as SentEvent).join('\n')).toMatch(
    /runId must match format "uuid"[\s\S]*rowCount must be int/,
  );
});

it('an event says all of its window, and the next one nothing of it', () => {
  const events = eventsOf(ORDERS_SPEC);
  const builder = window();
  const [input] = sent(events.event('RUNNING', builder.close(NOW), NOW)).inputs;
  expect(input.inputFacets!.sluice_offsets).toMatchObject({
    ...{ windowStart: STARTED.toISOString(), windowEnd: NOW.toISOString() },
    ranges: [
      { partition: 0, startOffset: 7, nextOffset: 60 },
      { partition: 0, startOffset: 99, nextOffset: 100 },
      { partition: 1, startOffset: 0, nextOffset: 50 },
    ],
  });
  expect(input.inputFacets!.inputStatistics.rowCount).toBe(100);
  const failed = (input.inputFacets!.dataQualityAssertions.assertions as { assertion: string; actual: string }[])
    .filter(({ actual }) => actual !== '0')
    .map(({ assertion, actual }) => [assertion, actual]);
  expect(failed).toEqual([
    ['readable', '2'],
    ['not_null', '1'],
    ['unique', '3'],
  ]);
  const next = sent(events.event('RUNNING', builder.close(NOW), NOW));
  expect(next.inputs[0].inputFacets!.sluice_offsets).toMatchObject({ windowStart: NOW.toISOString(), ranges: [] });
  expect(next.outputs.map(({ outputFacets }) => outputFacets!.outputStatistics.rowCount)).toEqual([0, 0]);
});

it('an event has each expectation of the spec, met or not', () => {
  const expectations = [
    { name: 'paid', action: 'quarantine', column: 'status', values: ['paid'] },
    { name: 'in_time', action: 'warn', late: { max_share: 0.1, per: 'minute' } },
    { name: 'order', action: 'stop', column: 'order_id', length: { min: 1 } },
  ];
  const spec = parseSpec(JSON.stringify({ ...JSON.parse(specJson(ORDERS_SPEC)), expectations }), 'of the test');
  const builder = new WindowBuilder(STARTED);
  builder.add(outcome(NO_STATS, { name: 'paid', action: 'quarantine', failed: 4, firstOffset: 7 }), []);
  builder.add(
    outcome(
      NO_STATS,
      { name: 'paid', action: 'quarantine', failed: 1 },
      { name: 'in_time', action: 'warn', failed: 1, observed: 0.2 },
    ),
    [],
  );
  const assertions = () => {
    const event = sent(eventsOf(spec).event('RUNNING', builder.close(NOW), NOW));
    expect(schemaProblems(event)).toEqual([]);
    const all = event.inputs[0].inputFacets!.dataQualityAssertions.assertions as Record<string, unknown>[];
    return all.flatMap(({ name, assertion, success, severity, actual, column }) =>
      /^expectation/.test(String(name)) ? [[name, assertion, success, severity, actual, column]] : [],
    );
  };
  expect(assertions()).toEqual([
    ['expectation.paid', 'values', false, 'warn', '5', 'status'],
    ['expectation.in_time', 'late', false, 'warn', '1', undefined],
    ['expectation.order', 'length', true, 'error', '0', 'order_id'],
  ]);
  expect(assertions().map(([, , success]) => success)).toEqual([true, true, true]);
});

it('columns come from the fields of the topic that the schema of the topic has', () => {
  const event = sent(eventsOf(ORDERS_SPEC).event('START', window().close(NOW), NOW));
  const [topic] = event.inputs;
  const [table] = event.outputs;
  const names = (fields: unknown) => (fields as { name: string }[]).map(({ name }) => name);
  const known = names(topic.facets.schema.fields);
  const lineage = table.facets.columnLineage.fields as Record<string, { inputFields: { field: string }[] }>;
  expect(names(table.facets.schema.fields)).toEqual(expect.arrayContaining(Object.keys(lineage)));
  const fields = Object.values(lineage).flatMap(({ inputFields }) => inputFields.map(({ field }) => field));
  expect(fields.filter((field) => !known.includes(field))).toEqual([]);
  expect(lineage.customer_id.inputFields).toMatchObject([
    {
      namespace: 'kafka://127.0.0.1:9092',
      name: 'orders',
      field: 'customer.id',
      transformations: [{ subtype: 'IDENTITY' }],
    },
  ]);
  expect(lineage.amount.inputFields).toMatchObject([{ transformations: [{ subtype: 'TRANSFORMATION' }] }]);
});

it('says which columns are masked', () => {
  const columns = [
    { name: 'id', kind: 'text', required: true, role: 'key' },
    { name: 'email', kind: 'text', mask: 'redact' },
  ];
  const spec = parseSpec(JSON.stringify({ table: 't', view: 'v', columns }), 'test');
  const event = sent(eventsOf(spec).event('START', window().close(NOW), NOW));
  expect(schemaProblems(event)).toEqual([]);
  const lineage = event.outputs[0].facets.columnLineage.fields as Record<string, { inputFields: unknown[] }>;
  expect(lineage.email.inputFields).toMatchObject([{ transformations: [{ masking: true }] }]);
  expect(lineage.id.inputFields).toMatchObject([{ transformations: [{ masking: false }] }]);
});
