import { expect, it } from 'vitest';
import { parseSpec } from '../../../src/schema/spec-file.js';
import { makeBatch, openSink, select, temporaryDirectory } from '../../support/batches.js';

it('keeps keys deleted by words of the topic, from before the spec mapped them', async () => {
  const dataDir = temporaryDirectory();
  const specOf = (mapped: object, operations: string[]) => {
    const columns = [
      { name: 'change_id', kind: 'text', required: true, role: 'change_id' },
      { name: 'order_id', kind: 'text', required: true, role: 'key' },
      { name: 'operation', kind: 'text', role: 'operation', ...mapped },
    ];
    return parseSpec(JSON.stringify({ table: 't', view: 'orders', columns, deletes: { operations } }), 'test');
  };
  const specs = [specOf({}, ['d']), specOf({ operations: { c: 'insert', d: 'delete' } }, ['delete', 'd'])];
  for (const [index, spec] of specs.entries()) {
    const sink = await openSink(dataDir, { spec });
    const changes = ['c', 'd'].map((operation) =>
      JSON.stringify({ change_id: `${index}${operation}`, order_id: `${index}${operation}`, operation }),
    );
    await sink.stage(await makeBatch(dataDir, 0, 2 * index, changes, { spec }));
    await sink.commit();
    expect((await select(sink, 'SELECT change_id FROM orders ORDER BY 1')).flat()).toEqual(
      ['0c', '1c'].slice(0, index + 1),
    );
    await sink.close();
  }
});
