/** Writes what is generated of the documents: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { CONFIGURATION, withTables } from './configuration-tables.js';
import { ERRORS, errorsPage } from './errors-page.js';

writeFileSync(CONFIGURATION, withTables(readFileSync(CONFIGURATION, 'utf8')));
writeFileSync(ERRORS, errorsPage());
