/** Chromium, headless, for the tests of the pages. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const PROGRAM = 'chromium';

function program(): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, PROGRAM));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Says why there is no browser here, undefined if there is. With CI=true set-up provides it: else it is an error. */
export function whyNoBrowser(): string | undefined {
  if (program() !== undefined) return undefined;
  const obstacle = 'Chromium is not found; on Debian, as root: apt-get install -y chromium';
  if (process.env.CI === 'true') throw new Error(`tests in a browser cannot run: ${obstacle}`);
  return obstacle;
}

/** A browser; the caller closes it. */
export function openBrowser(): Promise<Browser> {
  // Root has no sandbox in a container, and /dev/shm is small there.
  return chromium.launch({ executablePath: program(), args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
