/** Nothing masked gets out, whatever is damaged and whenever the process is killed; what is forgotten is gone. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { allRows, openSql } from '../../src/query/sql-client.js';
import { listFiles } from '../../src/storage/data-dir.js';
import { CliProcess, runCli, temporaryDataDir } from '../support/cli.js';
import { describeKafka } from '../support/kafka/shared.js';
import { freePort } from '../support/ports.js';
import { Random } from '../support/random.js';
import {
  committedSome,
  filledTopic,
  parquetGlob,
  queryFile,
  runEnv,
  runUntilEnd,
  startRun,
  stop,
  verifies,
} from './support.js';

const SECRETS = 10_000;
/** What each of them begins with. */
const SECRET = 'S3CR3T';
/** Half of the messages have a fifth of the fields each, so each message has some secrets. */
const PER_MESSAGE = 5;

const COLUMNS = [
  { name: 'id', kind: 'text', required: true, role: 'change_id' },
  { name: 'person', kind: 'text', required: true, role: 'key', mask: 'hmac' },
  { name: 'email', path: 'contact.email', kind: 'text', mask: 'hmac' },
  { name: 'name', kind: 'text', mask: 'redact' },
  { name: 'card', paths: ['card', 'pay.card'], kind: 'text', mask: { partial: { keep: 2 } } },
  { name: 'salary', kind: 'amount', raw: 'salary_raw', mask: { truncate: { to: 1000 } } },
  { name: 'born', kind: 'date', mask: { truncate: { to: 'year' } } },
  { name: 'age', kind: 'int64', mask: 'drop' },
  { name: 'items', kind: 'json' },
  { name: 'address', kind: 'json', mask: 'redact' },
];
const MASKS = [
  { path: 'items.owner', mask: 'hmac' },
  { path: 'items.note', mask: { partial: { keep: 1 } } },
  { path: 'phone', mask: 'redact' },
  { path: 'doc.ssn', mask: 'drop' },
];

async function settings(): Promise<{ TABLE_SPEC: string; MASK_KEY_FILE: string }> {
  const folder = await temporaryDataDir();
  const [spec, key] = [join(folder, 'spec.json'), join(folder, 'key')];
  const embedded = ['doc'];
  writeFileSync(
    spec,
    JSON.stringify({ table: 'people_log', view: 'people', columns: COLUMNS, embedded, masks: MASKS }),
  );
  writeFileSync(key, `${randomBytes(32).toString('hex')}\n`);
  chmodSync(key, 0o600);
  return { TABLE_SPEC: spec, MASK_KEY_FILE: key };
}

/** In each field that is masked, in every form that the field may have. */
function withSecrets(random: Random, index: number): string {
  const secret = () => `${SECRET}${random.below(2 ** 31).toString(36)}`;
  const forms: ((text: string) => unknown)[] = [
    (text) => text,
    (text) => `${text} "quoted" é\n`,
    (text) => [text],
    (text) => ({ inner: text }),
    (text) => ({ $oid: text }),
  ];
  const value = () => random.pick(forms)(secret());
  const fields: Record<string, unknown>[] = [
    { contact: { email: value() } },
    { contact: [{ email: value() }] },
    { contact: secret() },
    { name: value() },
    { card: value() },
    { pay: { card: value() } },
    { salary: value() },
    { born: value() },
    { age: value() },
    { items: [{ owner: value(), note: value() }, { note: secret() }] },
    { items: { owner: [secret()], note: secret() } },
    { address: value() },
    { phone: value() },
    { doc: JSON.stringify({ ssn: value(), other: 1 }) },
    ...inRecordsOfCapture(value),
  ];
  const chosen = Array.from({ length: PER_MESSAGE }, () => random.pick(fields));
  const message = {
    id: `i${index}`,
    person: `${SECRET}-person-${index % 50}`,
    ...Object.assign({}, ...chosen),
    kept: index,
  };
  const text = JSON.stringify(message);
  // The same names in other letters, and twice.
  return random.below(4) > 0
    ? text
    : text.replace(
        /"(name|phone|email)"/g,
        (all) => `${all}:"${secret()}",${all.replace(/[mne]/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)}`,
      );
}

/** The same fields where `sluice capture` writes some of a document a second time. */
function inRecordsOfCapture(value: () => unknown): Record<string, unknown>[] {
  const dotted = [
    { 'contact.email': value(), 'contact.0.email': value(), 'contact.email.0.host': value() },
    { contact: { email: value() }, 'pay.card': value(), pay: { card: value() } },
    { 'items.0.owner': value(), 'items.1.note': value(), 'items.2': { owner: value() }, items: [{ note: value() }] },
    { person: value(), name: value(), 'name.first': value(), salary: value(), born: value(), 'age.years': value() },
    { 'address.street': value(), 'phone.0': value(), 'doc.ssn': value(), doc: JSON.stringify({ ssn: value() }) },
  ];
  const updates = dotted.map((updatedFields) => ({ update: { updatedFields, removedFields: ['x'] } }));
  return [...updates, { document: { person: value(), contact: { email: value() }, items: [{ owner: value() }] } }];
}

function damaged(text: string, random: Random): Buffer {
  const bytes = Buffer.from(text);
  const at = random.below(bytes.length);
  const kinds = [
    () => bytes.subarray(0, at),
    () => Buffer.concat([bytes.subarray(0, at), Buffer.from([0]), bytes.subarray(at)]),
    () => Buffer.concat([bytes, Buffer.from('}')]),
    () => Buffer.from(`[${text}]`),
    () => Buffer.from(text.replace('"id"', '"di"')),
    () => Buffer.from(JSON.stringify(text)),
  ];
  return random.pick(kinds)();
}

function* messages(random: Random) {
  for (let index = 0; index < SECRETS / PER_MESSAGE; index++) {
    const text = withSecrets(random, index);
    yield { key: `${SECRET}-person-${index % 50}`, value: random.below(3) > 0 ? text : damaged(text, random) };
  }
}

/** Files of the data directory, and outputs, that have the word. */
function filesWith(dataDir: string, word: string): string[] {
  return listFiles(dataDir)
    .filter((path) => readFileSync(path).includes(word))
    .map((path) => relative(dataDir, path));
}

/** Names and inodes of all but the journal. */
function filesOf(dataDir: string): string[] {
  const inodeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.ino;
  return listFiles(dataDir)
    .filter((path) => /\.parquet|analytics\.db(?!\.wal$)/.test(path))
    .map((path) => `${path} ${inodeOf(path)}`);
}

const textsOf = (relation: string, word: string) =>
  `SELECT count(*)::INTEGER FROM (FROM ${relation}) r WHERE contains(r::VARCHAR, '${word}')`;

describeKafka('privacy', (bootstrap) => {
  it('no secret of 10,000 gets out, though the process is killed; and a key is forgotten', {
    timeout: 300_000,
  }, async () => {
    const seed = Number(process.env.PRIVACY_SEED ?? Date.now() % 1_000_000);
    console.info(`PRIVACY_SEED=${seed}`);
    const random = new Random(seed);
    const topic = await filledTopic(bootstrap(), 'privacy', 2, messages(random));
    const port = await freePort();
    const small = { BATCH_ROWS: '100', COMMIT_ROWS: '200', COMPACT_AFTER_FILES: '0', LOG_LEVEL: 'debug' };
    const spec = await settings();
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { ...small, ...spec, METRICS_PORT: `${port}` });
    const { DATA_DIR: dataDir } = env;
    const outputs: string[] = [];

    const first = await startRun(env);
    await committedSome(dataDir, SECRETS / PER_MESSAGE);
    first.kill('SIGKILL');
    const killed = await first.ended;
    outputs.push(killed.stdout, killed.stderr);

    const second = await startRun(env);
    await sleep(3000);
    const url = `http://127.0.0.1:${port}`;
    for (const path of ['metrics', 'api/about', 'api/snapshot', ''])
      outputs.push(await (await fetch(`${url}/${path}`)).text());
    const client = await openSql(dataDir);
    for (const table of ['people_log', 'people', 'sluice.quarantine', 'sluice.batches']) {
      outputs.push(
        (await allRows(client, `SELECT r::VARCHAR AS text FROM (FROM ${table}) r`)).map(({ text }) => text).join('\n'),
      );
    }
    client.close();
    await stop(second);
    const { stdout, stderr } = await second.ended;
    outputs.push(stdout, stderr);
    await runUntilEnd(env);

    for (const args of [['quarantine', '--samples', '1000'], ['verify'], ['status'], ['replay', '--dry-run']]) {
      const result = await runCli(args, { env });
      expect(result.code, result.stderr).toBe(0);
      outputs.push(result.stdout, result.stderr);
    }
    const parsed = await runCli(['parse'], { env, input: withSecrets(random, 1) });
    outputs.push(parsed.stdout, parsed.stderr);
    for (const text of outputs) expect(text).not.toContain(SECRET);
    expect(outputs[2]).toContain('sluice_');
    expect(filesWith(dataDir, SECRET)).toEqual([]);
    for (const relation of ['people_log', 'people', 'sluice.quarantine', 'sluice.batches', parquetGlob(dataDir)]) {
      expect(await queryFile(dataDir, textsOf(relation, SECRET)), relation).toEqual([[0]]);
    }
    const counts = 'SELECT count(*) > 1000, count(DISTINCT person) = 50, count(email) > 100 FROM people_log';
    expect(await queryFile(dataDir, counts)).toEqual([[true, true, true]]);
    const opened = await runCli(['quarantine', '--samples', '1000', '--decrypt'], { env });
    expect(opened.stdout).toContain(SECRET);

    await forgets(env, `${SECRET}-person-7`);
  });

  async function forgets(env: Record<string, string>, key: string): Promise<void> {
    const { DATA_DIR: dataDir } = env;
    const args = ['forget', '--key', key];
    const dry = await runCli([...args, '--dry-run'], { env });
    const [, rows, quarantined] = /^(\d+) rows .* (\d+) messages/.exec(dry.stdout) ?? [];
    expect(Number(rows), dry.stderr).toBeGreaterThan(5);
    expect(Number(quarantined)).toBeGreaterThan(5);
    const before = await queryFile(dataDir, 'SELECT count(*)::INTEGER FROM people_log');
    const signals: unknown[] = [];
    for (let kills = 0; kills < 3; kills++) {
      const before = new Set(filesOf(dataDir));
      const killed = await CliProcess.start(args, { env });
      let isOver = false;
      const ended = killed.ended.finally(() => {
        isOver = true;
      });
      // A file, or the new database, is being written, or has taken the place of the old one.
      while (!isOver && filesOf(dataDir).every((file) => before.has(file))) await sleep(1);
      killed.kill('SIGKILL');
      signals.push((await ended).signal);
    }
    expect(signals).toContain('SIGKILL');
    const done = await runCli(args, { env });
    expect(done.code, done.stderr).toBe(0);
    await verifies(env);
    const after = await queryFile(dataDir, 'SELECT count(*)::INTEGER FROM people_log');
    expect(after).toEqual([[Number(before[0][0]) - Number(rows)]]);
    const kept = `SELECT sum(rows_merged)::INTEGER, sum(rows_quarantined)::INTEGER, count(DISTINCT key_hash) > 0
      FROM sluice.forgotten`;
    expect(await queryFile(dataDir, kept)).toEqual([[Number(rows), Number(quarantined), true]]);
    const again = await runCli([...args, '--dry-run'], { env });
    expect(again.stdout).toMatch(/^0 rows of people_log and 0 messages/);
    expect(filesWith(dataDir, key)).toEqual([]);
    await runUntilEnd(env);
    await verifies(env);
  }
});
