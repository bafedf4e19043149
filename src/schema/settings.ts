/** The settings of the table spec. */
import * as z from 'zod';
import { SluiceError } from '../core/errors.js';
import { setting } from '../core/settings.js';
import { loadSpec } from './load-spec.js';
import { readMaskKey } from './mask-key.js';

export const schemaSettings = z.object({
  tableSpec: setting(
    'TABLE_SPEC',
    'path of a table spec, or `preset:NAME`',
    z
      .string()
      .transform((path, context) => {
        try {
          return { path, spec: loadSpec(path) };
        } catch (thrown) {
          if (!(thrown instanceof SluiceError)) throw thrown;
          context.addIssue(thrown.message);
          return z.NEVER;
        }
      })
      .optional(),
    'orders, built in',
  ),
  maskKey: setting(
    'MASK_KEY_FILE',
    'a file with a key of 32 to 64 bytes, for table specs with masks: see [privacy](privacy.md)',
    z
      .string()
      .transform((path, context) => {
        try {
          return readMaskKey(path);
        } catch (thrown) {
          context.addIssue(`cannot be used: ${(thrown as Error).message}`);
          return z.NEVER;
        }
      })
      .optional(),
  ),
});
