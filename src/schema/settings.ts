/** The setting of the table spec. */
import * as z from 'zod';
import { SluiceError } from '../core/errors.js';
import { setting } from '../core/settings.js';
import { loadSpec } from './load-spec.js';

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
});
