/** What the help of a command says of environment variables. */
import { SECTIONS } from '../config.js';
import { type Section, type SettingText, settingTexts } from '../core/settings.js';

/** Which database a command reads, beside DATA_DIR. */
export const LAKE_SECTIONS = [SECTIONS.sink, SECTIONS.lake, SECTIONS.objectStore] as const;

const WIDTH = 100;

/** Settings in the order in which they are listed. */
type Listed = readonly (Section | SettingText)[];

/** The variables of a command, with their defaults and meanings. */
export function variablesHelp(...listed: Listed): string {
  const settings = textsOf(listed);
  const width = Math.max(...settings.map(({ variable }) => variable.length));
  const lines = settings.map(({ variable, default: fallback, meaning }) => {
    const shown = fallback === '' ? '' : ` (default: ${fallback})`;
    return `  ${variable.padEnd(width)}  ${plain(`${meaning}${shown}`)}`;
  });
  return `\nEnvironment variables:\n${lines.join('\n')}`;
}

/** The names of all variables. */
export function namesHelp(listed: Listed): string {
  const lines = ['  '];
  for (const { variable } of textsOf(listed)) {
    if (lines[lines.length - 1].length + variable.length > WIDTH) lines.push('  ');
    lines[lines.length - 1] += `${variable}, `;
  }
  const names = lines.map((line) => line.trimEnd()).join('\n');
  return `\nEnvironment variables; "sluice <command> --help" explains those that it reads:\n${names.replace(/,$/, '')}`;
}

function textsOf(listed: Listed): SettingText[] {
  return listed.flatMap((entry) => ('variable' in entry ? [entry] : settingTexts(entry)));
}

/** Without the marks of a document: code and links. */
function plain(text: string): string {
  return text.replaceAll('`', '').replace(/\[[^\]]*\]\(([^)]*)\)/g, 'docs/$1');
}
