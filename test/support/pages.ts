/** A page in a browser, watched: what breaks its policy, what it asks of others, what is not accessible. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

export interface WatchedPage {
  readonly page: Page;
  /** What went wrong in it so far: violations of its policy, errors, requests to elsewhere. */
  readonly problems: string[];
}

/** Opens a page of this origin; the caller closes it. */
export async function openPage(browser: Browser, url: string): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== new URL(url).origin) {
      problems.push(`asks for ${request.url()}`);
    }
  });
  await page.exposeFunction('onViolation', (what: string) => problems.push(`policy: ${what}`));
  await page.addInitScript(`addEventListener('securitypolicyviolation', (event) =>
    onViolation([event.violatedDirective, event.sourceFile, event.lineNumber].join(' ')))`);
  await page.goto(url);
  return { page, problems };
}

/** What axe finds of serious or critical impact, in light and in dark. */
export async function inaccessible(page: Page): Promise<string[]> {
  const found: string[] = [];
  await page.evaluate(readFileSync(AXE, 'utf8'));
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
    for (const { id, impact, nodes } of violations) {
      if (impact === 'serious' || impact === 'critical') found.push(`${colorScheme} ${id}: ${nodes[0].html}`);
    }
  }
  return found;
}
