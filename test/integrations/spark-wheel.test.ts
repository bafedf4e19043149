/** The package as users get it: its wheel in an empty environment, and the README's example of Spark as it is. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { createTopic, produce } from '../support/produce.js';
import { whyNoSpark } from '../support/python.js';

const execFileAsync = promisify(execFile);
const PACKAGE = fileURLToPath(new URL('../../spark', import.meta.url));
const EVENTS = 5000;
/** What the README has of code is between these. */
const EXAMPLE = /## Spark ≥ 4\.0\n\n```python\n(.+?)```/s;

const obstacle = whyNoSpark();
const describeSpark = obstacle === undefined ? describeKafka : () => undefined;

describeSpark('the wheel', (bootstrap) => {
  it("runs the README's example in an empty environment", { timeout: 600_000 }, async () => {
    const home = await temporaryDataDir();
    const python = await installed(home);
    await createTopic(bootstrap(), 'cdc_orders', 2);
    await produce(bootstrap(), 'cdc_orders', orderEvents({ count: EVENTS, shares: {} }));
    await runCli(['kernel', 'export', '--out', path.join(home, 'bundle')]);
    const [, example] = EXAMPLE.exec(readFileSync(path.join(PACKAGE, 'README.md'), 'utf8')) ?? [];
    expect(example).toBeDefined();
    writeFileSync(path.join(home, 'example.py'), `${BEFORE}${example}${AFTER}`);
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, BROKERS: bootstrap(), PYSPARK_PYTHON: python, SPARK_LOCAL_IP: '127.0.0.1' };
    const { stdout } = await execFileAsync(python, ['example.py'], { cwd: home, env });
    expect(JSON.parse(stdout)).toEqual({ rows: EVENTS });
  });
});

const BEFORE = `import json, os, time
from pyspark.sql import SparkSession
brokers = os.environ["BROKERS"]
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
`;
const AFTER = `
while query.isActive and sum(orders.positions().values()) < ${EVENTS}:
    time.sleep(0.1)
query.stop()
assert query.exception() is None, query.exception()
print(json.dumps({"rows": spark.read.parquet("orders").count()}))
`;

/** A new virtual environment with the wheel and what it needs of Spark. @returns its interpreter */
async function installed(home: string): Promise<string> {
  await execFileAsync('python3', ['-m', 'venv', path.join(home, 'venv')]);
  const python = path.join(home, 'venv/bin/python');
  const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check'];
  // From a copy: setuptools leaves folders beside what it builds.
  await execFileAsync('cp', ['-r', PACKAGE, path.join(home, 'package')]);
  await execFileAsync(python, [...pip, 'wheel', '--no-deps', '-w', home, path.join(home, 'package')]);
  const [wheel] = readdirSync(home).filter((name) => name.endsWith('.whl'));
  await execFileAsync(python, [...pip, 'install', `${path.join(home, wheel)}[spark]`, 'pyspark==4.1.1']);
  return python;
}
