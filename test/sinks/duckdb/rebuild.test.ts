import {
  copyFileSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { specJson } from '../../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { readJournal, writeJournal } from '../../../src/sinks/duckdb/commit-journal.js';
import { publish } from '../../../src/sinks/duckdb/recovery.js';
import { makeBatch, openSink, order, select, temporaryDirectory, token } from '../../support/batches.js';
import {
  content,
  damageBlocks,
  database,
  fill,
  filled,
  nameOf,
  parquetFiles,
  recovered,
  verified,
} from '../../support/recovering.js';

describe('recover --from-parquet', () => {
  it.each([
    ['the database is gone', false, (dataDir: string) => rmSync(database(dataDir))],
    ['the database cannot be read', false, (dataDir: string) => writeFileSync(database(dataDir), 'damaged')],
    ['the database has a damaged block', false, damageBlocks],
    ['files were joined and the database is gone', true, (dataDir: string) => rmSync(database(dataDir))],
  ])('makes the same tables when %s, verifies and continues', async (_, joined, lose) => {
    const dataDir = temporaryDirectory();
    const before = await filled(dataDir, { joined });
    lose(dataDir);
    const { ok, text } = await recovered(dataDir, 'fromParquet');
    expect(ok).toBe(true);
    expect(text).toContain('table spec: built in, orders\n');
    expect(text).toContain('6 rows merged, 3 duplicates, 0 markers of snapshots\n');
    expect(text).toContain('partition 0: offsets 0 to 9; 1 quarantined message lost with the database\n');
    // A joined file knows of the batch without rows in its range.
    expect(text).toContain(
      joined
        ? 'partition 1: offsets 0 to 8; 2 quarantined messages lost with the database\n'
        : 'partition 1: offsets 0 to 8; 1 quarantined message lost with the database; no file has offsets 3 to 5:',
    );
    const { problems, notes } = await verified(dataDir);
    expect(problems).toEqual([]);
    expect(notes.join('\n')).toMatch(/partition 0: the ledger of offsets 0 to 9 was made .*, without 1 quarantined/);
    const sink = await openSink(dataDir);
    // Consumed, merged, duplicate, quarantined, tombstone; the batch without rows had one of each of the last two.
    expect(before.counts[1].slice(0, 6)).toEqual([1, 8n, 3n, 2n, 2n, 1n]);
    if (!joined) before.counts[1].splice(1, 5, 6n, 3n, 2n, 1n, 0n);
    expect(await content(sink)).toEqual(before);
    await sink.stage(await makeBatch(dataDir, 0, 9, [order(token(1)), order(token(9))]));
    expect(await sink.commit()).toMatchObject({ stats: { merged: 1, duplicate: 1 } });
    await sink.close();
    expect((await verified(dataDir)).problems).toEqual([]);
  });

  it('keeps what an older database knows: spec, bits, identity, starts, quarantine, batches without rows', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await sink.setIdentity({ clusterId: 'c', topicId: 't', firstPartitions: 1 });
    await select(sink, `UPDATE sluice.columns SET issue_bit = 40 WHERE name = 'status'`);
    await fill(dataDir, sink);
    const before = await content(sink);
    await sink.close();
    copyFileSync(database(dataDir), join(dataDir, 'older'));
    const second = await openSink(dataDir);
    await second.stage(await makeBatch(dataDir, 0, 9, [order(token(7)), '{']));
    await second.commit();
    await second.close();
    renameSync(join(dataDir, 'older'), database(dataDir));
    linkSync(database(dataDir), `${database(dataDir)}.before-recovery-of-one-that-was-killed`);
    expect((await recovered(dataDir, undefined)).text).toMatch(/1 Parquet file that the database does not explain/);
    const { text } = await recovered(dataDir, 'fromParquet');
    expect(text).toContain('table spec: of the old database\n');
    expect(text).toContain('partition 0: offsets 0 to 11; 1 quarantined message lost with the database\n');
    expect(text).toContain('partition 1: offsets 0 to 8\n');
    expect(text).toMatch(/the old database is kept as analytics\.db\.before-recovery-\d{8}T\d{6}\.\d{3}Z\n/);
    expect(
      readdirSync(dataDir)
        .filter((name) => name !== 'parquet')
        .sort(),
    ).toEqual(['analytics.db', expect.stringMatching(/^analytics\.db\.before-recovery-/)]);
    expect((await verified(dataDir)).problems).toEqual([]);
    const third = await openSink(dataDir);
    const after = await content(third);
    expect(after.rows.filter(([id]) => id !== token(7))).toEqual(before.rows);
    expect(after.columns).toEqual(before.columns);
    expect(await select(third, 'SELECT start_reason FROM sluice.positions')).toEqual([['earliest'], ['earliest']]);
    expect(await select(third, 'SELECT cluster_id, topic_id FROM sluice.meta')).toEqual([['c', 't']]);
    expect(await select(third, 'SELECT count(*) FROM sluice.quarantine')).toEqual([[3n]]);
    expect(await select(third, `SELECT kind FROM sluice.batches WHERE partition_id = 1 AND start_offset = 3`)).toEqual([
      ['consume'],
    ]);
  });

  it('takes the spec of the old database, whatever it says', async () => {
    const dataDir = temporaryDirectory();
    const text = {
      ...JSON.parse(specJson(ORDERS_SPEC)),
      embedded: ['items'],
      ignore: ['source'],
      deletes: { flag: 'gone', tombstone: false },
    };
    const more = [
      { name: 'gone', kind: 'bool' },
      { name: 'sent_on', paths: ['sent.on', 'sent_on'], kind: 'date', unit: 'd' },
    ];
    const columns = text.columns.filter(({ name }: { name: string }) => name !== 'items');
    const spec = parseSpec(JSON.stringify({ ...text, columns: [...columns, ...more] }), 's');
    const sink = await openSink(dataDir, { spec });
    await sink.stage(
      await makeBatch(dataDir, 0, 0, [order(token(1)), order(token(2), { order_id: 'o2', gone: true })], { spec }),
    );
    await sink.commit();
    const meta = 'SELECT spec, spec_hash, (SELECT count(*) FROM orders) FROM sluice.meta';
    const before = await select(sink, meta);
    expect(before[0][2]).toBe(1n);
    await sink.close();
    expect((await recovered(dataDir, 'fromParquet')).text).toContain('table spec: of the old database\n');
    const second = await openSink(dataDir, { spec });
    expect(await select(second, meta)).toEqual(before);
    await second.close();
  });

  it('keeps columns that the spec no longer has', async () => {
    const dataDir = temporaryDirectory();
    const before = await filled(dataDir);
    const spec = ORDERS_SPEC;
    const less = { ...spec, columns: spec.columns.filter(({ name }) => name !== 'amount') };
    const path = join(dataDir, 'spec.json');
    writeFileSync(path, specJson(less));
    const { text } = await recovered(dataDir, 'fromParquet', { TABLE_SPEC: path });
    expect(text).toContain(`table spec: ${path} (TABLE_SPEC)\n`);
    const sink = await openSink(dataDir, { spec: less });
    const amounts = 'SELECT change_id, amount, amount_raw FROM cdc_orders ORDER BY kafka_partition, kafka_offset';
    expect((await select(sink, amounts)).map(([id]) => id)).toEqual(before.rows.map(([id]) => id));
    expect((await select(sink, amounts)).at(-1)).toEqual([token(6), null, 'x']);
  });

  it('takes a joined file or its parts, and what a crash left of a commit only if it is complete', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await fill(dataDir, sink);
    const parts = parquetFiles(dataDir);
    for (const part of parts) copyFileSync(join(dataDir, part), join(dataDir, `${part}.part`));
    await sink.compact({ everything: true });
    await sink.close();
    for (const part of parts) renameSync(join(dataDir, `${part}.part`), join(dataDir, part));
    const file = (await makeBatch(dataDir, 0, 9, [order(token(7))])).file!;
    publish([file]);
    const last = relative(dataDir, file.path);
    writeJournal(dataDir, { commit: 4, files: [nameOf(0, 8, 9), last] });
    rmSync(database(dataDir));
    const { text } = await recovered(dataDir, 'fromParquet');
    for (const name of [...parts, last]) expect(text).toContain(`the next start removes ${name}`);
    expect(text).toMatch(/partition 0: offsets 0 to 9;/);
    expect((await verified(dataDir)).problems).toEqual([]);
    await (await openSink(dataDir)).close();
    expect(parquetFiles(dataDir)).toEqual([nameOf(0, 0, 9), nameOf(1, 0, 8)]);
    expect(readJournal(dataDir)).toBeUndefined();

    const whole = (await makeBatch(dataDir, 0, 9, [order(token(7))])).file!;
    publish([whole]);
    writeJournal(dataDir, { commit: 4, files: [last] });
    expect((await recovered(dataDir, 'fromParquet')).text).toMatch(/partition 0: offsets 0 to 10;/);
    await (await openSink(dataDir)).close();
    expect(parquetFiles(dataDir)).toContain(last);
  });

  it('uses the parts of a joined file that is damaged, and refuses damage that nothing makes up for', async () => {
    const dataDir = temporaryDirectory();
    await filled(dataDir);
    const [first] = parquetFiles(dataDir);
    writeFileSync(join(dataDir, nameOf(0, 0, 9)), 'damaged');
    rmSync(database(dataDir));
    expect((await recovered(dataDir, 'fromParquet')).text).toContain(`the next start removes ${nameOf(0, 0, 9)}`);
    expect((await verified(dataDir)).problems).toEqual([]);
    rmSync(join(dataDir, nameOf(0, 0, 9)));
    rmSync(database(dataDir));
    truncateSync(join(dataDir, first), 100);
    await expect(recovered(dataDir, 'fromParquet')).rejects.toMatchObject({
      code: 'SLUICE_UNEXPLAINED_FILES',
      message: expect.stringMatching(/0+-0+4\.parquet cannot be used: .*Nothing was changed/s),
    });
    expect(readdirSync(dataDir)).toEqual(['parquet']);
  });

  it('refuses files that contradict others, their name or the old ledger', async () => {
    const dataDir = temporaryDirectory();
    await filled(dataDir);
    const [first, second] = parquetFiles(dataDir);
    const refused = async (message: RegExp) => {
      const kept = readFileSync(database(dataDir));
      await expect(recovered(dataDir, 'fromParquet')).rejects.toMatchObject({
        code: 'SLUICE_UNEXPLAINED_FILES',
        message: expect.stringMatching(message),
      });
      expect(readFileSync(database(dataDir)).equals(kept)).toBe(true);
      expect(readdirSync(dataDir).sort()).toEqual(['analytics.db', 'parquet']);
    };
    copyFileSync(join(dataDir, second), join(dataDir, nameOf(0, 20, 25)));
    await refused(/0+20-0+25\.parquet cannot be used: it has the offsets 4 to 5/);
    rmSync(join(dataDir, nameOf(0, 20, 25)));
    const overlapping = (await makeBatch(dataDir, 0, 3, [order(token(7)), order(token(8)), order(token(9))])).file!;
    publish([overlapping]);
    await refused(/overlaps .*, which do not have all its rows/);
    rmSync(overlapping.path);
    renameSync(join(dataDir, first), join(dataDir, 'elsewhere'));
    rmSync(join(dataDir, 'elsewhere'));
    await refused(/0+-0+4\.parquet is missing, which the old database names for offsets 0 to 4 of partition 0/);
  });

  it('refuses a directory that a process works on, another topic, and one without files', async () => {
    const dataDir = temporaryDirectory();
    await expect(recovered(dataDir, 'fromParquet')).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
    await filled(dataDir);
    await expect(recovered(dataDir, 'fromParquet', { KAFKA_TOPIC: 'other' })).rejects.toMatchObject({
      code: 'SLUICE_CONFIG',
      message: expect.stringContaining('holds the topic cdc_orders, KAFKA_TOPIC is other'),
    });
  });
});
