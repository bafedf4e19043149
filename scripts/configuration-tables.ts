/** The tables of docs/configuration.md, from the settings themselves. */
import { fileURLToPath } from 'node:url';
import { SECTIONS } from '../src/config.js';
import { type SettingText, settingTexts } from '../src/core/settings.js';
import { PROPERTIES_TEXT } from '../src/kafka/settings.js';

/** The document that has the tables. */
export const CONFIGURATION = fileURLToPath(new URL('../docs/configuration.md', import.meta.url));

/** The document with its tables written anew. */
export function withTables(document: string): string {
  const { capture, ...others } = SECTIONS;
  const [ofKafka, ...rest] = Object.values(others).map(settingTexts);
  const all = [...ofKafka, PROPERTIES_TEXT, ...rest.flat()];
  return between(between(document, 'all', tableOf(all)), 'capture', tableOf(settingTexts(capture)));
}

function tableOf(settings: readonly SettingText[]): string {
  const rows = settings.map(({ variable, default: fallback, meaning }) => [
    `\`${variable}\``,
    // Words stand as they are.
    fallback === '' || /[ `]/.test(fallback) ? fallback : `\`${fallback}\``,
    meaning,
  ]);
  const all = [['variable', 'default', 'meaning'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = all.map(line);
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body].join('\n');
}

/** @throws if the document does not have the markers */
function between(document: string, name: string, text: string): string {
  const [start, end] = [`<!-- settings ${name}: npm run docs -->`, '<!-- end -->'];
  const from = document.indexOf(start);
  const to = document.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`${CONFIGURATION} has no ${start} … ${end}`);
  return `${document.slice(0, from + start.length)}\n\n${text}\n\n${document.slice(to)}`;
}
