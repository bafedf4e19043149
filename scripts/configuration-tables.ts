/** The tables of docs/configuration.md, from the settings themselves. */
import { fileURLToPath } from 'node:url';
import { SECTIONS } from '../src/config.js';
import { type SettingText, settingTexts } from '../src/core/settings.js';
import { PROPERTIES_TEXT } from '../src/kafka/settings.js';
import { markdownTable, withPart } from './generated-parts.js';

/** The document that has the tables. */
export const CONFIGURATION = fileURLToPath(new URL('../docs/configuration.md', import.meta.url));

/** The document with its tables written anew. */
export function withTables(document: string): string {
  const { capture, ...others } = SECTIONS;
  const [ofKafka, ...rest] = Object.values(others).map(settingTexts);
  const all = [...ofKafka, PROPERTIES_TEXT, ...rest.flat()];
  return withPart(withPart(document, 'settings all', tableOf(all)), 'settings capture', tableOf(settingTexts(capture)));
}

function tableOf(settings: readonly SettingText[]): string {
  const rows = settings.map(({ variable, default: fallback, meaning }) => [
    `\`${variable}\``,
    // Words stand as they are.
    fallback === '' || /[ `]/.test(fallback) ? fallback : `\`${fallback}\``,
    meaning,
  ]);
  return markdownTable([['variable', 'default', 'meaning'], ...rows]);
}
