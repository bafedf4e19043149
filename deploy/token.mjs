/** Writes a new token to a file, for HTTP_TOKEN_FILE, unless the file is there: node deploy/token.mjs FILE */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';

try {
  writeFileSync(process.argv[2], `${randomBytes(24).toString('base64url')}\n`, { flag: 'wx', mode: 0o400 });
} catch (error) {
  if (error.code !== 'EEXIST') throw error;
}
