import { expect, it } from 'vitest';
import { makeBatch, openSink, select, temporaryDirectory } from '../support/batches.js';
import { runCli } from '../support/cli.js';

const change = (id: string, operation: string) =>
  JSON.stringify({ change_id: id, order_id: "it's", order_id_type: 'string', operation });

it('shows the changes of one key in order, and what it was at a time', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  const other = JSON.stringify({ change_id: '0', order_id: 'b', operation: 'insert' });
  // The key has moved from partition 1 to partition 0.
  await sink.stage(await makeBatch(dataDir, 1, 0, [change('1', 'insert'), other, change('2', 'delete')]));
  await sink.stage(await makeBatch(dataDir, 0, 0, [change('3', 'insert'), change('4', 'update')]));
  await sink.commit();
  await select(
    sink,
    `UPDATE cdc_orders
     SET kafka_timestamp = TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL 1 HOUR * change_id::INTEGER`,
  );
  await sink.close();
  const ids = async (...args: string[]) => {
    const { stdout, stderr } = await runCli(['history', "it's", '--format', 'json', ...args], {
      env: { DATA_DIR: dataDir },
    });
    expect(stderr).toBe('');
    const lines = stdout.split('\n').filter(Boolean);
    return lines.map((line) => (JSON.parse(line) as { change_id: string }).change_id);
  };
  expect(await ids()).toEqual(['1', '2', '3', '4']);
  expect(await ids('--at', '2026-01-01 01:30:00')).toEqual(['1']);
  expect(await ids('--at', '2026-01-01 02:30:00')).toEqual([]);
  expect(await ids('--at', '2026-01-01 03:30:00')).toEqual(['3']);
  expect(await ids('--at', '2025-12-31 22:30:00', '--time-zone', 'America/New_York')).toEqual(['3']);
  expect(await ids('--at', '2026-01-01 00:30:00')).toEqual([]);
});
