/** How a database that was made anew takes the place of the old one, and when none is made. */
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { rebuild } from '../../../src/sinks/duckdb/rebuild.js';
import { parquetPath, temporaryPath } from '../../../src/storage/data-dir.js';
import { TOPIC } from '../../support/batches.js';
import { changeDatabase, queryDatabase, retainIn, writtenDirectory } from '../../support/verifying.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = await writtenDirectory();
});

const rebuilt = (topic = TOPIC) =>
  rebuild({ dataDir, topic, spec: ORDERS_SPEC, fallbackSpec: ORDERS_SPEC, memoryLimit: 1 << 28 });
const names = () => readdirSync(dataDir).sort();
const kinds = `SELECT DISTINCT kind FROM sluice.batches`;
const LOG = 'SELECT count(*)::INTEGER FROM cdc_orders';

describe('the new database', () => {
  it('takes the place of the old one, which gets another name', async () => {
    const database = join(dataDir, 'analytics.db');
    const { ino } = statSync(database);
    // What a recovery that was killed has left, and what an earlier one has kept.
    linkSync(database, `${database}.before-recovery-killed`);
    linkSync(database, `${database}-beside`);
    writeFileSync(`${database}.before-recovery-kept`, 'x');
    mkdirSync(join(dataDir, '.recovery'));
    writeFileSync(join(dataDir, '.recovery', 'analytics.db'), 'unfinished');
    const { keptAs, rowsMerged, specFrom } = await rebuilt();
    expect({ rowsMerged, specFrom }).toEqual({ rowsMerged: 4, specFrom: 'given' });
    expect(relative(dataDir, keptAs!)).toMatch(/^analytics\.db\.before-recovery-\d{8}T\d{6}\.\d{3}Z$/);
    expect(names()).toEqual(
      [
        ...['analytics.db', 'analytics.db-beside', 'analytics.db.before-recovery-kept'],
        ...[relative(dataDir, keptAs!), 'parquet'],
      ].sort(),
    );
    expect(statSync(keptAs!).ino).toBe(ino);
    expect(await queryDatabase(dataDir, kinds)).toEqual([['recovered']]);
    expect(await queryDatabase(dataDir, LOG)).toEqual([[4]]);
  });

  it('is there without an old one', async () => {
    rmSync(join(dataDir, 'analytics.db'));
    expect((await rebuilt()).keptAs).toBeUndefined();
    expect(names()).toEqual(['analytics.db', 'parquet']);
    expect(await queryDatabase(dataDir, LOG)).toEqual([[4]]);
  });

  it('has no log of one that could not be opened', async () => {
    const database = join(dataDir, 'analytics.db');
    writeFileSync(database, 'damaged');
    writeFileSync(`${database}.wal`, 'log');
    const { keptAs } = await rebuilt();
    expect(existsSync(`${database}.wal`)).toBe(false);
    expect(readFileSync(`${keptAs}.wal`, 'utf8')).toBe('log');
    expect(readFileSync(keptAs!, 'utf8')).toBe('damaged');
  });

  it('has the rows of a file whose rewriting the old one knows of', async () => {
    const path = parquetPath(dataDir, TOPIC, 0, 0, 4);
    const content = readFileSync(path);
    writeFileSync(temporaryPath(path), content);
    writeFileSync(path, 'older');
    await rebuilt();
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(existsSync(temporaryPath(path))).toBe(false);
  });
});

describe('no database is made', () => {
  const refused = async (code: string, message: string | RegExp, topic?: string) => {
    const before = names();
    const content = readFileSync(join(dataDir, 'analytics.db'));
    const text = typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message);
    await expect(rebuilt(topic)).rejects.toMatchObject({ code, message: text });
    expect(names()).toEqual(before);
    expect(readFileSync(join(dataDir, 'analytics.db')).equals(content)).toBe(true);
  };

  it('of another topic, or without files', async () => {
    await refused('SLUICE_CONFIG', `DATA_DIR holds the topic ${TOPIC}, KAFKA_TOPIC is other`, 'other');
    rmSync(join(dataDir, 'parquet'), { recursive: true });
    await refused('SLUICE_CONFIG', `has no Parquet files of ${TOPIC} to recover from`);
  });

  it('if files have left, of which it names three ranges', async () => {
    await retainIn(dataDir);
    const leave = (start: number, next: number, partition = 2) =>
      changeDatabase(
        dataDir,
        `INSERT INTO sluice.batches BY NAME SELECT topic: '${TOPIC}', partition_id: ${partition}, 
           start_offset: ${start},
           next_offset: ${next}, committed_at: now(), file_retired: 'f${start}'`,
      );
    for (const [start, next] of [
      [0, 3],
      [3, 5],
      [7, 9],
    ]) {
      await leave(start, next);
    }
    await leave(20, 21, 3);
    await refused('SLUICE_UNEXPLAINED_FILES', 'offsets 0 to 5 of 2, 7 to 9 of 2, 20 to 21 of 3 (partitions)');
    await leave(30, 31, 3);
    await refused('SLUICE_UNEXPLAINED_FILES', 'offsets 0 to 5 of 2, 7 to 9 of 2, 20 to 21 of 3, … (partitions)');
    await refused('SLUICE_UNEXPLAINED_FILES', 'Put analytics.db and parquet back as a copy of DATA_DIR has them, both');
  });

  it('if it cannot be written, with the reason', async () => {
    const { DuckDBConnection } = await import('@duckdb/node-api');
    const run = DuckDBConnection.prototype.run;
    const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
      this: InstanceType<typeof DuckDBConnection>,
      ...args
    ) {
      if (/^CHECKPOINT analytics/.test(args[0])) throw new Error('no space');
      return await run.apply(this, args);
    });
    try {
      await refused('SLUICE_SINK', 'the database cannot be made from the Parquet files: no space');
    } finally {
      spy.mockRestore();
    }
  });
});
