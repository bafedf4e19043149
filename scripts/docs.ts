/** Writes what is generated of the documents: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { specJsonSchema } from '../src/schema/spec-file.js';
import { CONFIGURATION, withTables } from './configuration-tables.js';
import { ERRORS, errorsPage } from './errors-page.js';
import { OPERATIONS, withMetrics } from './metrics-tables.js';

const TABLE_SPEC_SCHEMA = new URL('../docs/table-spec.schema.json', import.meta.url);

writeFileSync(CONFIGURATION, withTables(readFileSync(CONFIGURATION, 'utf8')));
writeFileSync(OPERATIONS, withMetrics(readFileSync(OPERATIONS, 'utf8')));
writeFileSync(ERRORS, errorsPage());
writeFileSync(TABLE_SPEC_SCHEMA, `${JSON.stringify(specJsonSchema(), null, 2)}\n`);
