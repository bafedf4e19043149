import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from './support/batches.js';
import { openBrowser, whyNoBrowser } from './support/browser.js';
import { cdcForms } from './support/cdc-forms.js';
import { CliProcess } from './support/cli.js';
import { EQUAL_SHARES } from './support/event-kinds.js';
import { orderEvents } from './support/events.js';
import { expectedOf, FOLDER, PREFIX, parse, serve, told } from './support/playground.js';

const SCRIPT = fileURLToPath(new URL('../scripts/playground.mjs', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ORDERS = readFileSync(new URL('../fixtures/orders.ndjson', import.meta.url));

/** Without a bound on time but that of the test. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 60_000 });

let server: Server;
let browser: Browser;
let page: Page;
let address: string;
/** What no page may cause: errors and warnings in the console, and requests to other servers. */
const faults: string[] = [];

async function openPage(): Promise<Page> {
  const opened = await browser.newPage();
  opened.on('console', (message) => {
    if (message.type() !== 'log') faults.push(`${message.type()}: ${message.text()}`);
  });
  opened.on('pageerror', (error) => faults.push(error.message));
  opened.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !/^(data|blob):/.test(url)) faults.push(url);
  });
  await opened.goto(address);
  return opened;
}

/** Gives the page a preset and a file, and waits until it has read it. */
async function give(preset: string, bytes: Buffer, delimiter: 'newline' | 'nul' = 'newline'): Promise<void> {
  await page.getByLabel('preset').selectOption(preset);
  await page.getByLabel('each ends with').selectOption(delimiter);
  await page.getByLabel('Open a file…').setInputFiles({ name: 'file', mimeType: 'text/plain', buffer: bytes });
  await isRead(bytes, delimiter);
}

async function isRead(bytes: Buffer, delimiter: 'newline' | 'nul' = 'newline'): Promise<void> {
  const end = delimiter === 'nul' ? 0 : 10;
  const count = bytes.length - bytes.filter((byte) => byte === end).length;
  await page.getByText(`, ${count.toLocaleString('en-US')} bytes ·`).waitFor();
  await page.locator('.results[aria-busy=false]').waitFor();
}

function specEditor() {
  return page.getByRole('textbox', { name: 'Table spec, JSON' });
}

/** As from the clipboard: typed, brackets would close themselves. */
async function writeSpec(text: string): Promise<void> {
  await specEditor().focus();
  await page.keyboard.press('Control+A');
  await specEditor().evaluate((editor, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', text);
    editor.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, text);
}

/** All pages of the table: number of the message, and values as text. */
async function shownRows(): Promise<string[][]> {
  await page.getByRole('tab', { name: 'Rows' }).click();
  const cells = () =>
    page
      .locator('tbody tr')
      .evaluateAll((rows) => rows.map((row) => Array.from(row.children, (cell) => cell.textContent)));
  return turnPages(cells, ([message]) => message);
}

/** All pages of the quarantine: what is said of each message. */
async function shownRejects(): Promise<string[]> {
  await page.getByRole('tab', { name: 'Quarantine' }).click();
  return turnPages(
    () => page.locator('.rejects li > p').allTextContents(),
    (text) => text,
  );
}

async function turnPages<T>(read: () => Promise<T[]>, keyOf: (shown: T) => string | null): Promise<T[]> {
  const all: T[] = [];
  const next = page.getByRole('button', { name: 'Next' });
  for (;;) {
    const seen = all.map(keyOf);
    // The tab, or the page before, may still be there.
    await soon(async () => (await read()).some((shown) => !seen.includes(keyOf(shown)))).toBe(true);
    all.push(...(await read()));
    if (!(await next.isVisible()) || (await next.isDisabled())) return all;
    await next.click();
  }
}

const damagedOrders = [...orderEvents({ count: 400, shares: EQUAL_SHARES })]
  .map(({ value }) => value)
  .filter((value) => value !== null && !value.includes(0));

const INPUTS = [
  { what: 'orders', preset: 'capture', delimiter: 'newline', bytes: ORDERS },
  ...cdcForms().flatMap(({ name, preset, messages }) => {
    if (preset === undefined) return [];
    const values = messages.flatMap(({ value }) => (value ? [value, Buffer.from('\n')] : []));
    return [{ what: name, preset, delimiter: 'newline' as const, bytes: Buffer.concat(values) }];
  }),
  {
    what: 'damaged messages, some of many lines',
    preset: 'capture',
    delimiter: 'nul' as const,
    bytes: Buffer.concat(damagedOrders.flatMap((value) => [value!, Buffer.of(0)])),
  },
] as const;

describe.skipIf(whyNoBrowser())('the playground', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    server = serve().listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PREFIX}`;
    browser = await openBrowser();
    page = await openPage();
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it.each(INPUTS)('shows the rows of sluice parse, and why others are none: $what', async (input) => {
    const { preset, bytes, delimiter } = input;
    const parsed = await parse(preset, bytes, delimiter);
    const { rows, rejects } = expectedOf(parsed, preset);
    await give(preset, bytes, delimiter);
    expect(parsed.length).toBeGreaterThan(0);
    if (rows.length > 0) expect(await shownRows()).toEqual(rows);
    if (rejects.length > 0) expect((await shownRejects()).map(told)).toEqual(rejects);
  });

  it('marks the damaged byte, also one that is no character', async () => {
    const good = '{"change_id":"i","order_id":"ö"';
    const bytes = Buffer.concat([
      Buffer.from(`${good},}\n${good},"a":"x`),
      Buffer.from([0xff]),
      Buffer.from(`y"}\n${good}`),
    ]);
    await give('capture', bytes);
    await page.getByRole('tab', { name: 'Quarantine' }).click();
    await expect
      .poll(() => page.locator('.bytes').allTextContents())
      .toEqual([`${good},}`, `${good},"a":"x\\xffy"}`, `${good}(end)`]);
    expect(await page.locator('.bytes mark').allTextContents()).toEqual(['}', '\\xff', '(end)']);
  });

  it('gives rows as Parquet, which DuckDB reads', async () => {
    await give('capture', ORDERS);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download Parquet' }).click(),
    ]);
    const target = path.join(temporaryDirectory(), file.suggestedFilename());
    await file.saveAs(target);
    const connection = await (await DuckDBInstance.create()).connect();
    const from = `FROM read_parquet('${target}')`;
    const columns = (await connection.runAndReadAll(`DESCRIBE ${from}`)).getRowObjectsJS();
    const texts = columns.map(({ column_name: name, column_type: type }) =>
      type === 'TIMESTAMP WITH TIME ZONE'
        ? `strftime(make_timestamp(epoch_us(${name})), '%Y-%m-%dT%H:%M:%S.%fZ') AS ${name}`
        : `CAST(${name} AS VARCHAR) AS ${name}`,
    );
    const found = (await connection.runAndReadAll(`SELECT ${texts.join(', ')} ${from}`)).getRowObjectsJS();
    const rows = (await parse('capture', ORDERS)).flatMap(({ row }) => (row === undefined ? [] : [row]));
    const asText = (value: unknown) => (value === null ? null : String(value));
    expect(found).toEqual(
      rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, asText(value)]))),
    );
  });

  it('takes a large input from the clipboard without putting it into a field', async () => {
    const lines = `${'{"change_id":"i","order_id":"k"}\n'.repeat(200_000)}{"order_id":"k"}\n`;
    await give('capture', Buffer.from('{"change_id":"i","order_id":"k"}'));
    await page.getByRole('textbox', { name: 'Messages' }).evaluate((field, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', text);
      field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }, lines);
    await isRead(Buffer.from(lines));
    await page.getByText('200,001 messages, 6,400,016 bytes · 200,000 rows · 1 missing_required').waitFor();
    await page.getByText('6,600,017 bytes, taken as they are.').waitFor();
  });

  it('says what is wrong with a spec, where it is', async () => {
    const spec = (more: object) =>
      JSON.stringify(
        { table: 't', view: 'v', columns: [{ name: 'id', kind: 'text', required: true, role: 'key', ...more }] },
        null,
        1,
      );
    const marked = () => page.locator('.cm-lintRange-error').allTextContents();
    await writeSpec(spec({ kind: 'number' }));
    await page.getByText('columns.0.kind: Invalid option').waitFor();
    expect(await marked()).toEqual(['"number"']);
    await page.getByRole('button', { name: 'Line 7' }).waitFor();
    await writeSpec(spec({ raw: 'other' }));
    await page.getByText('column id: raw is for kind amount only').waitFor();
    expect(await marked()).toEqual(['"id"']);
    await writeSpec(spec({}).replace('"kind":', '"kind"'));
    await soon(marked).toEqual(['"']);
    await writeSpec(spec({}));
    await soon(() => page.locator('.problems li').count()).toBe(0);
  });

  it('loses nothing that is typed while it reads', async () => {
    await writeSpec('');
    const text = 'a spec that is typed faster than it is read. '.repeat(3);
    await page.keyboard.type(text, { delay: 10 });
    await page.locator('.results[aria-busy=false]').waitFor();
    expect(await specEditor().textContent()).toBe(text);
  });

  it('completes fields of a spec and their values', async () => {
    await writeSpec('{"columns": [{"name": "a"}]}');
    await page.keyboard.press('Control+End');
    for (const _ of '}]}') await page.keyboard.press('ArrowLeft');
    await page.keyboard.type(', ki');
    await page.getByRole('option', { name: '"kind"' }).click();
    await soon(() => specEditor().textContent()).toContain('{"name": "a", "kind": ""}');
    await page.keyboard.press('Control+Space');
    await soon(() => page.getByRole('option').allTextContents()).toContain('"timestamp"');
    await page.keyboard.press('Escape');
  });

  it('makes a spec of the messages, and measures the kernel alone', async () => {
    await give('capture', Buffer.from('{"id":"a","city":"Ulm"}\n{"id":"b","city":"Bonn"}'));
    await page.getByRole('button', { name: 'From the messages' }).click();
    await page.getByText('2 messages, 47 bytes · 2 rows').waitFor();
    expect((await shownRows()).map((cells) => cells.slice(0, 3))).toEqual([
      ['1', 'a', 'Ulm'],
      ['2', 'b', 'Bonn'],
    ]);
    await page.getByRole('button', { name: 'Measure the speed' }).click();
    await page.getByText(/\d\.\d\d GB\/s.*the kernel alone.*warm/).waitFor();
  });

  it.each(['light', 'dark'] as const)('has no barrier that axe finds: %s', async (colorScheme) => {
    // What axe does to a page is not what the page does.
    const opened = await browser.newPage({ colorScheme });
    await opened.goto(address);
    for (const tab of ['Rows', 'Quarantine']) {
      await opened.getByRole('tab', { name: tab }).click();
      await opened
        .locator(tab === 'Rows' ? 'tbody tr' : '.rejects li')
        .first()
        .waitFor();
      await opened.evaluate(AXE);
      const found = await opened.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
        const { violations } = await axe.run();
        return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      });
      expect(found).toEqual([]);
    }
    await opened.close();
  });

  it('is served to this machine by npm run playground', async () => {
    const script = await CliProcess.start(['0'], { script: SCRIPT });
    const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(await script.line(/http/)) ?? [''];
    expect(await (await fetch(url)).text()).toBe(readFileSync(path.join(FOLDER, 'index.html'), 'utf8'));
    expect((await fetch(`${url}kernel.wasm`)).headers.get('content-type')).toBe('application/wasm');
    expect((await fetch(`${url}..%2findex.html`)).status).toBe(404);
  });

  it('caused no error in the console and no request to another server', () => expect(faults).toEqual([]));
});
