/** Writes a new token to a file, for HTTP_TOKEN_FILE, unless the file is there: node deploy/token.mjs FILE */
import { randomBytes } from 'node:crypto';
import { linkSync, rmSync, writeFileSync } from 'node:fs';

const [file] = process.argv.slice(2);
const unfinished = `${file}.new`;

// What a run that was killed left behind.
rmSync(unfinished, { force: true });
writeFileSync(unfinished, `${randomBytes(24).toString('base64url')}\n`, { flag: 'wx', mode: 0o400, flush: true });
try {
  linkSync(unfinished, file);
} catch (error) {
  if (error.code !== 'EEXIST') throw error;
}
rmSync(unfinished);
