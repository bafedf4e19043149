/** Files of a data directory against what a ledger says of them, without a database. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readJournal, removeJournal, writeJournal } from '../../../src/sinks/duckdb/commit-journal.js';
import {
  compareFiles,
  type LedgerFile,
  type LedgerState,
  ledgerFile,
  ledgerRange,
  sizeProblem,
} from '../../../src/sinks/duckdb/ledger-files.js';
import {
  makeFolders,
  publish,
  reconcileFiles,
  refuseOrphans,
  removeUncounted,
  withdraw,
} from '../../../src/sinks/duckdb/recovery.js';
import { listFiles, parquetPath, temporaryPath } from '../../../src/storage/data-dir.js';
import { TOPIC, temporaryDirectory } from '../../support/batches.js';

let dataDir: string;
beforeEach(() => {
  dataDir = temporaryDirectory();
});

const path = (partition: number, start: number, next: number) => parquetPath(dataDir, TOPIC, partition, start, next);
const name = (partition: number, start: number, next: number) => relative(dataDir, path(partition, start, next));

function write(file: string, bytes = 10): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, 'x'.repeat(bytes));
  return file;
}

/** A file of the ledger, which is there. */
function counted(partition: number, start: number, next: number): LedgerFile {
  write(path(partition, start, next));
  return { name: name(partition, start, next), bytes: 10, partition, batches: 1, rows: 1, start, next };
}

const ledger = (files: readonly LedgerFile[], ranges: LedgerState['ranges'] = [], lastCommit = 7): LedgerState => ({
  files,
  ranges,
  retired: [],
  lastCommit,
});
const range = (partition: number, start: number, next: number) => ({ partition, start, next });
const NOTHING = { leftovers: [], unexplained: [], damaged: [], rewritten: [] };
const compared = (state: LedgerState) => compareFiles(dataDir, TOPIC, state);

describe('files and ledger', () => {
  it('agree, whatever else is there that is not Parquet', () => {
    const files = [counted(0, 0, 4), counted(1, 0, 4)];
    write(join(dirname(path(0, 0, 4)), 'notes.txt'));
    expect(compared(ledger(files))).toEqual(NOTHING);
    expect(compareFiles(join(dataDir, 'nowhere'), TOPIC, ledger([]))).toEqual(NOTHING);
  });

  it('differ by files that nothing explains, in order', () => {
    write(path(1, 4, 8));
    write(path(0, 4, 8));
    write(join(dirname(path(0, 4, 8)), 'of-someone.parquet'));
    expect(compared(ledger([]))).toEqual({
      ...NOTHING,
      unexplained: [name(0, 4, 8), join(dirname(name(0, 4, 8)), 'of-someone.parquet'), name(1, 4, 8)],
    });
  });

  it('differ by files that are missing or have another size', () => {
    const files = [counted(0, 0, 4), { ...counted(0, 4, 8), bytes: 11 }, counted(0, 8, 9)];
    const missing = { ...files[2], name: name(0, 9, 12) };
    const damaged = [`${name(0, 4, 8)} has 10 bytes, not 11`, `${name(0, 9, 12)} is missing`];
    expect(compared(ledger([...files, missing]))).toEqual({ ...NOTHING, damaged });
    expect(files.map((file) => sizeProblem(dataDir, file))).toEqual([undefined, damaged[0], undefined]);
  });

  it('differ by a write that was not finished', () => {
    const temporary = write(temporaryPath(path(0, 4, 8)));
    write(`${temporary}.gz`);
    write(join(dirname(temporary), 'a.parquet.tmp'));
    expect(compared(ledger([counted(0, 0, 4)]))).toEqual({
      ...NOTHING,
      leftovers: [{ file: relative(dataDir, temporary), why: 'a write that was not finished' }],
    });
  });

  it('differ by the files of the commit after the last, if the journal has it', () => {
    write(path(0, 4, 8));
    const unexplained = [name(0, 4, 8)];
    writeJournal(dataDir, { commit: 8, files: unexplained });
    const leftovers = [{ file: name(0, 4, 8), why: 'commit 8 was not finished' }];
    expect(compared(ledger([]))).toEqual({ ...NOTHING, leftovers });
    for (const lastCommit of [6, 8]) expect(compared(ledger([], [], lastCommit))).toEqual({ ...NOTHING, unexplained });
  });

  it('differ by a rewritten file that has its temporary name', () => {
    const file = { ...counted(0, 0, 4), bytes: 20 };
    write(temporaryPath(path(0, 0, 4)), 20);
    expect(compared(ledger([file]))).toEqual({ ...NOTHING, rewritten: [file.name] });
    write(temporaryPath(path(0, 0, 4)), 19);
    expect(compared(ledger([file]))).toMatchObject({ damaged: [`${file.name} has 10 bytes, not 20`], rewritten: [] });
    // One of the same size is the file as it is, and a write that was not finished.
    write(temporaryPath(path(0, 0, 4)), 10);
    expect(compared(ledger([{ ...file, bytes: 10 }]))).toMatchObject({ damaged: [], rewritten: [], leftovers: [{}] });
  });

  describe('differ by a join', () => {
    const why = 'its rows are in other files (a join)';
    const explains = (...state: Parameters<typeof ledger>) => {
      const { leftovers, unexplained } = compared(ledger(...state));
      expect(leftovers.length + unexplained.length).toBe(1);
      expect(leftovers.every((leftover) => leftover.why === why)).toBe(true);
      return leftovers.length === 1;
    };

    it('whose parts all count', () => {
      const parts = [counted(0, 0, 4), counted(0, 4, 8)];
      write(path(0, 0, 8));
      expect(explains(parts, [range(0, 0, 8)])).toBe(true);
      expect(explains(parts, [range(0, 0, 12)])).toBe(true);
      for (const other of [range(1, 0, 8), range(0, 1, 8), range(0, 0, 7)])
        expect(explains(parts, [other])).toBe(false);
      expect(explains(parts, [])).toBe(false);
    });

    it('whose parts were not removed', () => {
      const joined = counted(0, 0, 8);
      write(path(0, 4, 8));
      expect(explains([joined], [range(0, 0, 8)])).toBe(true);
    });

    it('not if none of its rows is in a file, or not all of those files are whole', () => {
      write(path(0, 4, 8));
      const beside = [counted(0, 0, 4), counted(0, 8, 12), counted(1, 4, 8)];
      expect(explains(beside, [range(0, 0, 12)])).toBe(false);
      expect(explains([...beside, { ...counted(0, 3, 9), bytes: 11 }], [range(0, 0, 12)])).toBe(false);
      // Those of others need not be whole.
      expect(
        explains([counted(0, 3, 9), { ...counted(1, 4, 8), bytes: 11 }, ...beside.slice(0, 2)], [range(0, 0, 12)]),
      ).toBe(true);
    });
  });

  it('are read from whatever a client gives', () => {
    const row = { file: 'f', file_bytes: 10n, partition_id: '1', batches: '2', rows: 3n, start: '4', next: 5n };
    expect(ledgerFile(row)).toEqual({ name: 'f', bytes: 10, partition: 1, batches: 2, rows: 3, start: 4, next: 5 });
    expect(ledgerRange(row)).toEqual({ partition: 1, start: 4, next: 5 });
  });
});

describe('a start', () => {
  it('removes leftovers with the journal, and puts rewritten files in place', () => {
    const file = { ...counted(0, 0, 4), bytes: 20 };
    write(temporaryPath(path(0, 0, 4)), 20);
    write(path(0, 4, 8));
    writeJournal(dataDir, { commit: 8, files: [name(0, 4, 8)] });
    const removed = reconcileFiles(dataDir, TOPIC, ledger([file]));
    expect(removed).toEqual([{ file: name(0, 4, 8), why: 'commit 8 was not finished' }]);
    expect(listFiles(dataDir)).toEqual([path(0, 0, 4)]);
    expect(readFileSync(path(0, 0, 4))).toHaveLength(20);
  });

  it('removes nothing if files are damaged or not explained, unless an operator says so', () => {
    const files = [counted(0, 0, 4), { ...counted(0, 4, 8), bytes: 11 }];
    write(path(0, 8, 12));
    const temporary = write(temporaryPath(path(0, 12, 13)));
    expect(() => reconcileFiles(dataDir, TOPIC, ledger(files))).toThrow(
      expect.objectContaining({
        code: 'SLUICE_UNEXPLAINED_FILES',
        message: expect.stringMatching(/files that are not whole: \S*8\.parquet has 10 bytes, not 11\. Nothing/),
      }),
    );
    expect(() => removeUncounted(dataDir, TOPIC, ledger(files))).toThrow(
      expect.objectContaining({ code: 'SLUICE_SINK' }),
    );
    expect(existsSync(temporary)).toBe(true);
    expect(removeUncounted(dataDir, TOPIC, ledger(files.slice(0, 1)))).toMatchObject([
      { file: relative(dataDir, temporary) },
      { file: name(0, 4, 8), why: 'the ledger does not name it' },
      { file: name(0, 8, 12) },
    ]);
    expect(listFiles(dataDir)).toEqual([path(0, 0, 4)]);
  });

  it('names three of many files', () => {
    for (const start of [0, 1, 2]) write(path(0, start, start + 1));
    const refused = () => reconcileFiles(dataDir, TOPIC, ledger([]));
    expect(refused).toThrow(/2-0+3\.parquet\. The database is older than they are: .* put back\. Nothing/);
    write(path(0, 3, 4));
    expect(refused).toThrow(/2-0+3\.parquet, … \(4 in all\)\. /);
  });

  it('without a database refuses Parquet files, and no others', () => {
    makeFolders(dataDir, TOPIC);
    write(join(dataDir, 'parquet', TOPIC, 'notes.txt'));
    refuseOrphans(dataDir, TOPIC);
    write(path(0, 0, 4));
    expect(() => refuseOrphans(dataDir, TOPIC)).toThrow(/has 1 Parquet files, such as parquet\//);
  });

  it('needs a data directory that can be written', () => {
    expect(() => makeFolders(write(join(dataDir, 'a-file')), TOPIC)).toThrow(
      expect.objectContaining({ code: 'SLUICE_DATA_DIR' }),
    );
  });
});

describe('files of a commit', () => {
  const file = (start: number) => {
    const final = path(0, start, start + 1);
    return { path: final, tempPath: write(temporaryPath(final)), bytes: 10 };
  };

  it('get their final names, or none of them does', () => {
    const files = [file(0), file(1)];
    publish(files);
    expect(listFiles(dataDir).sort()).toEqual(files.map((published) => published.path));
    const missing = { ...file(3), tempPath: join(dataDir, 'nowhere') };
    const more = [file(2), missing];
    expect(() => publish(more)).toThrow(expect.objectContaining({ code: 'SLUICE_DATA_DIR' }));
    expect([existsSync(more[0].tempPath), existsSync(more[0].path)]).toEqual([true, false]);
  });

  it('go, by whichever name', () => {
    const files = [file(0), file(1)];
    publish(files.slice(0, 1));
    const folder = file(2);
    mkdirSync(folder.path);
    withdraw([folder, ...files]);
    expect(listFiles(dataDir)).toEqual([]);
  });

  it('are in a journal until it is removed', () => {
    const journal = { commit: 3, files: ['a', 'b'] };
    expect(readJournal(dataDir)).toBeUndefined();
    writeJournal(dataDir, journal);
    expect(readJournal(dataDir)).toEqual(journal);
    write(join(dataDir, '.commit.json.tmp'));
    removeJournal(dataDir);
    expect(listFiles(dataDir)).toEqual([]);
    writeFileSync(join(dataDir, 'commit.json'), JSON.stringify({ version: 2, ...journal }));
    expect(readJournal(dataDir)).toBeUndefined();
  });
});
