/** What the help of a command says of environment variables. */
import { type Section, settingTexts } from '../core/settings.js';

const WIDTH = 100;

/** The variables of a command, with their defaults and meanings. */
export function variablesHelp(...sections: readonly Section[]): string {
  const settings = sections.flatMap(settingTexts);
  const width = Math.max(...settings.map(({ variable }) => variable.length));
  const lines = settings.map(({ variable, default: fallback, meaning }) => {
    const shown = fallback === '' ? '' : ` (default: ${fallback})`;
    return `  ${variable.padEnd(width)}  ${plain(`${meaning}${shown}`)}`;
  });
  return `\nEnvironment variables:\n${lines.join('\n')}`;
}

/** The names of all variables. */
export function namesHelp(sections: readonly Section[]): string {
  const lines = ['  '];
  for (const { variable } of sections.flatMap(settingTexts)) {
    if (lines[lines.length - 1].length + variable.length > WIDTH) lines.push('  ');
    lines[lines.length - 1] += `${variable}, `;
  }
  const names = lines.map((line) => line.trimEnd()).join('\n');
  return `\nEnvironment variables; the help of a command says what those it reads mean:\n${names.replace(/,$/, '')}`;
}

/** Without the marks of a document: code and links. */
function plain(text: string): string {
  return text.replaceAll('`', '').replace(/\[([^\]]*)\]\([^)]*\)/g, 'docs/$1');
}
