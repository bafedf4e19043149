/**
 * Runs the fenced code blocks of the documents: commands in a shell, SQL on a database, table specs in their reader.
 * Of `npm run X` only the script is looked up, and Python is only parsed.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRESETS } from '../../src/schema/presets.js';
import type { TableSpec } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { CliProcess, runCli, runShell } from '../support/cli.js';
import { blocksOf, type CodeBlock, codeBlocks } from '../support/code-blocks.js';
import { EXTENSION_DIRECTORY, whyNoExtensions } from '../support/duckdb-extensions.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { freePort } from '../support/ports.js';
import { filledTopic } from './support.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Of a lake. */
const NEWEST = 'SELECT max(snapshot_id) FROM lake.snapshots()';
const ORDERS = 'fixtures/orders.ndjson';
const DEBEZIUM = 'fixtures/cdc/debezium/messages.jsonl';
const HAS_SCRIPT = 'process.exit(require("./package.json").scripts[process.argv[1]] ? 0 : 1)';
/** Output and drawings. */
const NO_CODE = ['', 'text', 'mermaid'];
/** How a block begins that cannot run here, and why. Every other block with a language is run, or parsed. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm run demo    # the whole': 'sets a clone up and runs all tests, this one included',
  'npm run setup && npm run build:addon': 'compiles the addon; test/integrations/package.test.ts installs the packages',
  "export MONGODB_URI='mongodb://127.0.0.1": 'needs MongoDB; test/e2e/capture.test.ts captures',
  'export MASK_CAPTURE=true': 'the same; test/e2e/capture-masked.test.ts masks',
  'sluice reset --partition 3': 'needs a position; test/e2e/reset.test.ts moves some',
  'export SINK=ducklake    ': 'needs Postgres and S3; test/e2e/lake-s3.test.ts has them',
  'export KAFKA_BROKERS=broker-1:9092 KAFKA_TOPIC=cdc_orders KAFKA_GROUP_ID=sluice-lake': 'the same',
  'version=1.5.5 platform': 'downloads 35 MB; scripts/setup/duckdb-extensions.mjs does so for tests',
  'CREATE ROLE lake': 'for a Postgres; test/sinks/ducklake has tests with one',
  '-- who has what, since when': 'the same',
  'INSTALL ducklake; INSTALL postgres;': 'downloads extensions, and needs Postgres',
  '-- what was committed after commit 41': 'writes to S3',
  'OPENLINEAGE_URL=': 'needs Marquez, and a folder of the system',
  'sluice backfill level': 'of a column that was added after rows had been read; test/commands has backfill',
  'sluice forget --key C1042': 'needs a data directory; test/commands has forget',
  'VALUE_FORMAT=avro KEY_FORMAT=avro': 'needs a registry with schemas; test/e2e/schema-registry.test.ts has one',
  'KAFKA_BROKERS=127.0.0.1:9092 KAFKA_TOPIC=cdc_orders DATA_DIR=./lake': 'needs Spark; test/integrations has it',
  'kubectl kustomize .': 'needs a cluster; the overlay before it is rendered',
  'kcat -b broker:9092': 'needs kcat; test/commands/length-splitter.test.ts reads what it writes',
  'sluice kernel export --spec spec.json --out bundle      #': 'installs with pip; test/integrations has the package',
};
/** Names of the documents that stand for something of the reader's. */
const STAND_INS: readonly (readonly [RegExp, (world: World) => string])[] = [
  [/broker-1:9092(,broker-2:9092)?/g, ({ brokers }) => brokers],
  [/KAFKA_TOPIC=cdc_orders/g, ({ topic }) => `KAFKA_TOPIC=${topic}`],
  [/\/var\/lib\/sluice/g, ({ folder }) => join(folder, 'data')],
  [/shop\.orders/g, ({ topic }) => topic],
  [/127\.0\.0\.1:9464/g, ({ port }) => `127.0.0.1:${port}`],
  [/--at 1234/g, () => `--at "$(sluice query --format csv '${NEWEST}' | tail -n 1)"`],
  [
    /--at "2026-03-01 12:00:00"/g,
    () => `--at "${new Date(Date.now() + 60_000).toISOString().slice(0, 19).replace('T', ' ')}"`,
  ],
  [/SELECT … FROM/g, () => 'SELECT * FROM'],
];

/** What the job that is to be replaced has written. */
const OLD_JOB = `mkdir -p old/parquet && sluice query --output old/parquet/part-0.parquet "
  SELECT change_id, amount, status, kafka_partition AS partition, kafka_offset AS offset, kafka_timestamp AS timestamp
  FROM cdc_orders"`;

interface World {
  readonly folder: string;
  readonly brokers: string;
  /** Of orders; `connectors` of Debezium's messages. */
  readonly topic: string;
  readonly connectors: string;
  readonly port: number;
}

const blocks = codeBlocks().filter(({ language }) => !NO_CODE.includes(language));
const reasonNotToRun = ({ text }: CodeBlock) => Object.keys(NOT_RUN).find((start) => text.startsWith(start));
const running = blocks.filter((block) => reasonNotToRun(block) === undefined);
const named = (languages: readonly string[]) =>
  running
    .filter(({ language }) => languages.includes(language))
    .map((block) => ({ name: `${block.document}:${block.line}`, block }));

it('finds blocks with their place, and knows their languages', () => {
  expect(blocksOf('a.md', 'x\n\n```sh\none\n\ntwo\n```\n\n    no\n\n  ```\n  out\n  ```\n')).toEqual([
    { document: 'a.md', line: 4, language: 'sh', text: 'one\n\ntwo\n' },
    { document: 'a.md', line: 12, language: '', text: '  out\n' },
  ]);
  const known = ['sh', 'sql', 'json', 'js', 'python', 'yaml'];
  expect(blocks.filter(({ language }) => !known.includes(language))).toEqual([]);
});

it('leaves out only what is there, each start of one block', () => {
  // A block may be in two documents.
  const left = (start: string) => new Set(blocks.map(({ text }) => text).filter((text) => text.startsWith(start)));
  expect(Object.keys(NOT_RUN).filter((start) => left(start).size !== 1)).toEqual([]);
});

describe('JSON', () => {
  it.each(named(['json']))('of $name is a table spec', ({ block }) => {
    expect(wholeSpec(block.text).columns.length).toBeGreaterThan(1);
  });
});

describeKafka('code blocks', (bootstrap) => {
  let world: World;
  let env: Record<string, string>;
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-blocks-'));
    const connectors = readFileSync(join(ROOT, DEBEZIUM), 'utf8').trim().split('\n');
    world = {
      folder,
      brokers: bootstrap(),
      topic: await filledTopic(bootstrap(), 'blocks', 2, orderEvents({ count: 2_000 })),
      connectors: await filledTopic(
        bootstrap(),
        'blocks-debezium',
        1,
        connectors.map((value) => ({ key: null, value })),
      ),
      port: await freePort(),
    };
    furnish(folder);
    env = {
      ...{ PATH: `${join(folder, 'bin')}:${process.env.PATH}`, KAFKA_BROKERS: world.brokers, KAFKA_TOPIC: world.topic },
      ...{ KAFKA_GROUP_ID: world.topic, METRICS_PORT: '0', DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY },
    };
  }, 120_000);
  afterAll(() => world && rmSync(world.folder, { recursive: true, force: true }));

  /** A folder as the documents have it: a clone's program, messages, a query. */
  function furnish(folder: string): void {
    for (const name of ['dist', 'build', 'docs', 'package.json']) symlinkSync(join(ROOT, name), join(folder, name));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules', 'sluice-cdc'));
    symlinkSync(join(ROOT, 'node_modules', 'apache-arrow'), join(folder, 'node_modules', 'apache-arrow'));
    writeFileSync(join(folder, 'report.sql'), 'SELECT count(*) FROM orders');
    const program = join(ROOT, 'dist', 'cli.js');
    const call = `exec "${process.execPath}"`;
    const scripts = {
      // A run ends at the end of its topic.
      sluice: `if [ "$1" = run ]; then shift; set -- run --until-end "$@"; fi\n${call} "${program}" "$@"`,
      node: `if [ "$1" = dist/cli.js ]; then shift; exec sluice "$@"; fi\n${call} "$@"`,
      // Scripts of package.json are there; what they do has tests of its own.
      npm: `[ "$1" = run ] && ${call} -e '${HAS_SCRIPT}' "$2"`,
    };
    mkdirSync(join(folder, 'bin'));
    for (const [name, text] of Object.entries(scripts)) {
      writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(folder, 'bin', name), 0o755);
    }
  }

  const filled = (text: string) =>
    STAND_INS.reduce((filledIn, [name, value]) => filledIn.replace(name, value(world)), text);

  /** What a block finds, besides what all find. */
  function surroundings({ document, text }: CodeBlock): Record<string, string> {
    const own = (name: string, topic: string) => ({
      ...{ DATA_DIR: join(world.folder, name), KAFKA_TOPIC: topic, KAFKA_GROUP_ID: topic },
    });
    if (text.includes('--preset debezium')) return own('connectors', world.connectors);
    if (document === 'docs/from-pyspark.md') return { KAFKA_GROUP_ID: 'trial' };
    if (document === 'docs/lake.md') return { ...own('lake', world.topic), KAFKA_GROUP_ID: 'lake', SINK: 'ducklake' };
    return { DATA_DIR: join(world.folder, 'data') };
  }

  async function shell(text: string, more: Record<string, string>): Promise<void> {
    const { code, stdout, stderr } = await runShell(`set -eu\n${filled(text)}`, {
      ...{ env: { ...env, ...more }, cwd: world.folder, timeoutMs: 120_000 },
    });
    expect(code, `${stdout}\n${stderr}`).toBe(0);
  }

  /** What queries ask: a run of its own has filled it. */
  const ready = new Map<string, Promise<void>>();
  async function provide(more: Record<string, string>): Promise<void> {
    if (!ready.has(more.DATA_DIR)) ready.set(more.DATA_DIR, shell('sluice run', more));
    await ready.get(more.DATA_DIR);
  }

  it.for(named(['sh']))('commands of $name work', { timeout: 180_000 }, async ({ block }, { skip }) => {
    const more = surroundings(block);
    if (block.document === 'docs/lake.md' && whyNoExtensions() !== undefined) skip(whyNoExtensions());
    if (/^(sluice|node dist\/cli\.js) (query|quarantine|replay)/m.test(block.text)) await provide(more);
    if (block.text.includes('sluice diff old/parquet')) await shell(OLD_JOB, { ...more, DATA_DIR: 'trial' });
    const [, spec] = /(?:--spec |TABLE_SPEC=)(\w+\.json)/.exec(block.text) ?? [];
    const shown = spec && savedBlock(block.document, spec);
    if (shown) writeFileSync(join(world.folder, spec), shown.text);
    else if (spec !== undefined && !block.text.includes(`> ${spec}`))
      await shell(`sluice spec --preset capture > ${spec}`, {});
    cpSync(join(ROOT, block.text.includes('debezium') ? DEBEZIUM : ORDERS), join(world.folder, 'messages.jsonl'));
    if (!block.text.includes('/metrics')) return shell(block.text, more);
    // Beside a run.
    const live = { ...env, ...more, METRICS_PORT: String(world.port), LOG_FORMAT: 'json' };
    const run = await CliProcess.start(['run'], { env: live, cwd: world.folder, timeoutMs: 180_000 });
    await run.line(/"msg":"reading /);
    await shell(block.text, more);
    run.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
  });

  it.for(named(['sql']))('statements of $name work', { timeout: 180_000 }, async ({ block }, { skip }) => {
    const more = surroundings(block);
    if (block.document === 'docs/lake.md' && whyNoExtensions() !== undefined) skip(whyNoExtensions());
    await provide(more);
    for (const statement of filled(block.text)
      .split(/;\s*$/m)
      .filter((each) => each.trim() !== '')) {
      const sql = statement.replaceAll("'data/parquet/cdc_orders/", `'${world.folder}/data/parquet/${world.topic}/`);
      const { code, stderr } = await runCli(['query', sql], { env: { ...env, ...more }, cwd: world.folder });
      expect(code, `${statement}\n${stderr}`).toBe(0);
    }
  });

  it.each(named(['js']))('the program of $name runs', async ({ block }) => {
    writeFileSync(join(world.folder, 'program.mjs'), block.text);
    await shell('node program.mjs', {});
  });

  it.skipIf(!hasKubectl()).each(named(['yaml']))('the overlay of $name is rendered', async ({ block }) => {
    const overlay = join(world.folder, 'overlay');
    mkdirSync(overlay);
    cpSync(join(ROOT, 'deploy'), join(overlay, 'deploy'), { recursive: true });
    writeFileSync(join(overlay, 'kustomization.yaml'), block.text);
    await shell('kubectl kustomize overlay > rendered.yaml', {});
    const rendered = readFileSync(join(world.folder, 'rendered.yaml'), 'utf8');
    expect(rendered).toContain('image: registry.example.com/sluice:0.1.0');
    expect(rendered).toContain('value: kafka:9092');
    // Nothing is left for the reader to set but the token, whose stand-in no process takes.
    expect(rendered).toContain('HTTP_TOKEN: change-me\n');
    expect(rendered).not.toMatch(/<.+>/);
  });

  // What it needs is installed by the integration tests only.
  it.each(named(['python']))('the program of $name is Python', async ({ block }) => {
    await shell(`python3 -c 'import ast, sys; ast.parse(sys.stdin.read())' <<'END'\n${block.text}END\n`, {});
  });
});

/** What the document tells its reader to save under this name. */
function savedBlock(document: string, name: string): CodeBlock | undefined {
  const before = readFileSync(join(ROOT, document), 'utf8').split(`Save it as \`${name}\`:\n`);
  if (before.length === 1) return undefined;
  const line = before[0].split('\n').length;
  return blocks.find((block) => block.document === document && block.line > line);
}

function hasKubectl(): boolean {
  return spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;
}

/** A block may show a part: some columns, of a table whose key is that of the messages, or a field, of the orders. */
function wholeSpec(text: string): TableSpec {
  const part = JSON.parse(text.startsWith('{') ? text : `{${text}}`) as { table?: string; columns?: unknown[] };
  const key = { name: 'id', path: { key: 'id' }, kind: 'text', required: true, role: 'key' };
  const table = { table: 'log', view: 'newest', columns: [key, ...(part.columns ?? [])] };
  const rest = part.columns === undefined ? PRESETS.capture : part.table === undefined ? table : {};
  return parseSpec(JSON.stringify({ ...part, ...rest }), 'of a document');
}
