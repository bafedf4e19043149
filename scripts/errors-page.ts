/** docs/errors.md, from the descriptions of the codes. */
import { fileURLToPath } from 'node:url';
import { ERROR_CODES } from '../src/core/error-codes.js';

/** The document that is written as a whole. */
export const ERRORS = fileURLToPath(new URL('../docs/errors.md', import.meta.url));
const LINE_LENGTH = 130;

const HEAD = `# Errors

What ends a command is the last that it prints on stderr: a stable code, and a message that says what failed, where,
and what to do. On a terminal, or with \`LOG_FORMAT=pretty\`, it looks as below. As JSON, code and message are fields:

    {"level":60,"time":"2025-06-01T12:00:00.000Z","code":"SLUICE_UNKNOWN_TOPIC","msg":"the topic orders …"}

\`LOG_LEVEL=debug\` adds the stack trace and the cause. [operations.md](operations.md) has the exit codes, and what a
run that has failed shows at \`/healthz\` and \`/metrics\`. Whatever the error, nothing is half committed, and the next
start continues where the last commit was.
`;

/** The document: `npm run docs` writes it from src/core/error-codes.ts. */
export function errorsPage(): string {
  const sections = Object.entries(ERROR_CODES).map(([code, { meaning, example, remedy }]) =>
    [
      `## ${code}\n`,
      `\`\`\`text\n${code}: ${example}\n\`\`\`\n`,
      `${wrapped(`**Meaning**: ${meaning}.`)}\n`,
      `${wrapped(`**What to do**: ${remedy}`)}\n`,
    ].join('\n'),
  );
  return [HEAD, ...sections].join('\n');
}

function wrapped(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    if (last.length + 1 + word.length > LINE_LENGTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join('\n');
}
