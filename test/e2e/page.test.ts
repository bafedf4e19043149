/** The page of a run, and of a data directory at rest, in a real browser. */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openBrowser, whyNoBrowser } from '../support/browser.js';
import { CliProcess, runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { inaccessible, openPage } from '../support/pages.js';
import { freePort } from '../support/ports.js';
import { produce } from '../support/produce.js';
import { consumedIs, filledTopic, runEnv, startRun, stop } from './support.js';

const LONG = { timeout: 180_000 };
const VIEWS = ['Now', 'Ledger', 'Expectations', 'Quarantine', 'Query', 'Table spec'];
/** The comma before the brace is one too many. */
const DAMAGED = '{"change_id":"c-x","order_id":"o-x","amount":12.5,}';
const TOKEN = 'a-token-of-many-letters';

describe.skipIf(whyNoBrowser() !== undefined)('the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  describeKafka('of a run', (bootstrap) => {
    it('shows what it does, answers queries and tries messages; at rest, all but the live figures', LONG, async () => {
      const topic = await filledTopic(bootstrap(), 'page', 2, orderEvents({ count: 500, shares: {} }));
      await produce(bootstrap(), topic, [{ key: 'o-x', value: DAMAGED, partition: 0 }]);
      const port = await freePort();
      const env = runEnv(bootstrap(), topic, await temporaryDataDir(), {
        ...{ METRICS_PORT: `${port}`, TABLE_SPEC: 'preset:orders-checked' },
      });
      const run = await startRun(env);
      await consumedIs(env.DATA_DIR, 501);
      const { page, problems } = await openPage(browser, `http://127.0.0.1:${port}/`);
      await expectFigure(page, 'Rows', '500');
      await produce(
        bootstrap(),
        topic,
        orderEvents({ count: 300, shares: {}, seed: 2, startMs: Date.UTC(2025, 5, 1) }),
      );
      await expectFigure(page, 'Rows', '800');
      await page.getByRole('table', { name: 'Last commits' }).getByRole('cell', { name: '300' }).first().waitFor();
      await vi.waitFor(async () => expect(await page.locator('figure canvas').count()).toBe(5));
      await page.getByText(/^Of 300 messages half are (not )?within .* 99 % (not )?within /).waitFor();
      await mendTheDamaged(page);
      await queryByKeyboard(page);
      await refusesToWrite(page, env.DATA_DIR);
      await expectGoodViews(page);
      await page.getByRole('link', { name: 'Expectations' }).click();
      await page.getByRole('cell', { name: 'amount_range' }).waitFor();
      expect(problems.filter((problem) => !/status of 400/.test(problem))).toEqual([]);
      await refusesOthers(port);
      await stop(run);
      await page.getByRole('status').getByText('the connection is lost').waitFor();
      await page.close();
      await atRest(browser, env.DATA_DIR);
    });
  });

  it('is for those with the token, if there is one', LONG, async () => {
    const env = { DATA_DIR: await temporaryDataDir(), HTTP_TOKEN: TOKEN };
    const made = await runCli(['demo', '--events', '2000'], { env });
    expect(made.code, made.stderr).toBe(0);
    const dataDir = join(env.DATA_DIR, 'demo');
    const ui = await CliProcess.start(['ui', '--data-dir', dataDir], { env, timeoutMs: 120_000 });
    const url = await ui.line(/^http:/);
    for (const path of ['', 'main.js', 'api/about', 'api/events', 'elsewhere']) {
      expect((await fetch(`${url}${path}`)).status, path).toBe(401);
    }
    const query = (authorization: string) =>
      fetch(`${url}api/query`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: '{"sql":"SELECT 42"}',
      });
    expect((await query(`Bearer ${TOKEN}x`)).status).toBe(401);
    expect(await (await query(`Bearer ${TOKEN}`)).json()).toMatchObject({ rows: [[42]] });
    const { page } = await openPage(browser, url);
    expect(await inaccessible(page)).toEqual([]);
    await page.getByLabel(/Token/).fill('another');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel(/Token/).fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByText('at rest', { exact: true }).waitFor();
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    expect(cookie.value).not.toContain(TOKEN);
    await page.close();
  });
});

async function expectFigure(page: Page, name: string, value: string): Promise<void> {
  await page.locator('dl.figures > div', { hasText: name }).getByText(value, { exact: true }).waitFor();
}

const goTo = (page: Page, view: string) => page.getByRole('link', { name: view, exact: true }).click();

async function mendTheDamaged(page: Page): Promise<void> {
  await goTo(page, 'Quarantine');
  const marked = page.getByRole('region', { name: 'The message' }).locator('mark');
  expect(await marked.textContent()).toBe('}');
  const text = page.getByLabel('The message, to be edited');
  expect(await text.inputValue()).toBe(DAMAGED);
  await page.getByRole('button', { name: 'Try' }).click();
  await page.getByText('It would be quarantined: malformed').waitFor();
  await text.fill(DAMAGED.replace(',}', '}'));
  await page.getByRole('button', { name: 'Try' }).click();
  await page.getByText('It becomes a row.').waitFor();
  await page.getByRole('table', { name: 'The row' }).getByRole('cell', { name: '12.5000' }).waitFor();
}

/** From the top of the page, without a mouse. */
async function queryByKeyboard(page: Page): Promise<void> {
  await goTo(page, 'Query');
  await page.reload();
  const focused = () => page.evaluate('document.activeElement?.id || document.activeElement?.textContent');
  const tabTo = async (wanted: string) => {
    for (let tabs = 0; tabs < 10 && (await focused()) !== wanted; tabs++) await page.keyboard.press('Tab');
    expect(await focused()).toBe(wanted);
  };
  await page.getByLabel('One statement that reads').waitFor();
  await tabTo('sql');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('SELECT kafka_partition::VARCHAR AS name, count(*) AS n FROM cdc_orders GROUP BY name');
  await tabTo('Run');
  await page.keyboard.press('Enter');
  await page.getByRole('status').getByText('2 rows.').waitFor();
  const table = page.getByRole('table', { name: 'The result' });
  expect(await table.getByRole('columnheader').allTextContents()).toEqual(['name', 'n']);
  expect(await table.getByRole('row').count()).toBe(3);
  expect(await page.locator('figure.result canvas').count()).toBe(1);
}

async function refusesToWrite(page: Page, dataDir: string): Promise<void> {
  const file = join(dataDir, 'stolen.csv');
  await page.getByLabel('One statement that reads').fill(`COPY cdc_orders TO '${file}'`);
  await page.keyboard.press('Control+Enter');
  await page.getByText(/only statements that read are allowed/).waitFor();
  expect(existsSync(file)).toBe(false);
}

/** In each view, in light and dark; and on a telephone nothing is beside the screen. */
async function expectGoodViews(page: Page): Promise<void> {
  for (const view of VIEWS) {
    await goTo(page, view);
    await page.getByRole('main', { name: view }).locator('section, figure, form').first().waitFor();
    expect(await inaccessible(page), view).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth'), view).toBe(390);
    await page.setViewportSize({ width: 1280, height: 900 });
  }
}

async function refusesOthers(port: number): Promise<void> {
  const statusWith = (path: string, headers: Record<string, string>) =>
    new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, headers }, ({ statusCode }) => {
        resolve(statusCode);
        asked.destroy();
      });
      asked.on('error', reject).end();
    });
  expect(await statusWith('/', { host: `rebound.example:${port}` })).toBe(421);
  expect(await statusWith('/metrics', { host: 'rebound.example' })).toBe(421);
  expect(await statusWith('/api/about', { host: `localhost:${port}` })).toBe(200);
  expect(await statusWith('/api/about', { 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await statusWith('/api/events', { origin: 'https://elsewhere.example' })).toBe(403);
}

async function atRest(browser: Browser, dataDir: string): Promise<void> {
  const ui = await CliProcess.start(['ui', '--data-dir', dataDir], { timeoutMs: 120_000 });
  const { page, problems } = await openPage(browser, await ui.line(/^http:/));
  await page.getByText('there are no live figures here').waitFor();
  await goTo(page, 'Ledger');
  await page.getByRole('table', { name: 'By partition' }).getByRole('row').nth(2).waitFor();
  await mendTheDamaged(page);
  expect(problems).toEqual([]);
  await page.close();
  ui.kill('SIGTERM');
  expect(await ui.ended).toMatchObject({ code: 0 });
}
