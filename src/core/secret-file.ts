/** A setting that names a file with a secret. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';

/** The file's text, without spaces and line ends around it. */
export function secretFile() {
  return z.string().transform((path, context) => {
    try {
      return readFileSync(path, 'utf8').trim();
    } catch (thrown) {
      context.addIssue(`cannot be read: ${(thrown as Error).message}`);
      return z.NEVER;
    }
  });
}
