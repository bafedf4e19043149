/** What --help makes of the settings' texts, which are written for documents. */
import { expect, it } from 'vitest';
import { variablesHelp } from '../../src/commands/variables-help.js';
import { SECTIONS } from '../../src/config.js';

it('names a document only where the reader is sent to it', () => {
  const help = variablesHelp(...Object.values(SECTIONS));
  expect(help.match(/docs\//g)?.length).toBeGreaterThan(1);
  expect(help.replace(/\bsee docs\/[a-z-]+\.md/g, '')).not.toContain('docs/');
});
