/** A spec that grows between two runs, on the real broker: one fault has the same bits before and after. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { describeKafka } from '../support/kafka/shared.js';
import { produce } from '../support/produce.js';
import { filledTopic, LAKE_ENV, queryFile, runEnv, runUntilEnd, SINKS, verifies } from './support.js';

const LONG = { timeout: 120_000 };

const faulty = (id: string) => ({ value: JSON.stringify({ change_id: id, order_id: id, amount: 'a lot', status: 7 }) });

describeKafka('a column that comes into the middle of the spec', (bootstrap) => {
  it.each(SINKS)('leaves the bits of issues as they were, and verify needs no spec: SINK=%s', LONG, async (sink) => {
    const topic = await filledTopic(bootstrap(), 'grows', 1, [faulty('a')]);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { ...LAKE_ENV, SINK: sink });
    await runUntilEnd(env);
    await produce(bootstrap(), topic, [faulty('b')]);
    const { columns, ...names } = JSON.parse(specJson(ORDERS_SPEC)) as { columns: object[] };
    const grown = { ...names, columns: [columns[0], { name: 'note', kind: 'text' }, ...columns.slice(1)] };
    const file = join(await temporaryDataDir(), 'spec.json');
    writeFileSync(file, JSON.stringify(grown));
    await runUntilEnd({ ...env, TABLE_SPEC: file });
    const rows = `SELECT change_id, issues, sluice.issue_names(issues)::VARCHAR FROM cdc_orders ORDER BY change_id`;
    const [before, after] = await queryFile(env.DATA_DIR, rows);
    expect(before).toEqual(['a', 320n, '[amount, status]']);
    expect(after).toEqual(['b', 320n, '[amount, status]']);
    await verifies(env);
    const { stdout } = await runCli(['query', 'SELECT sluice.issue_names(320)'], { env });
    expect(stdout).toMatch(/amount.*status/);
  });
});
