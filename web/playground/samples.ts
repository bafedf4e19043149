/** Messages to start with, for each preset: those that the project's own tests read. */

import debezium from '../../fixtures/cdc/debezium/messages.jsonl';
import debeziumFlat from '../../fixtures/cdc/debezium-flat/messages.jsonl';
import debeziumMongodb from '../../fixtures/cdc/debezium-mongodb/messages.jsonl';
import mongodbConnector from '../../fixtures/cdc/mongodb-connector/messages.jsonl';
import mongodbConnectorDocuments from '../../fixtures/cdc/mongodb-connector-documents/messages.jsonl';
import capture from '../../fixtures/orders.ndjson';

/** Of `fixtures/orders.ndjson`, which has many. */
const MAX_LINES = 40;

/** By the name of the preset: a message per line. */
export const SAMPLES: Readonly<Record<string, string>> = {
  capture: capture.split('\n').slice(0, MAX_LINES).join('\n'),
  debezium: valuesOf(debezium),
  'debezium-flat': valuesOf(debeziumFlat),
  'debezium-mongodb': valuesOf(debeziumMongodb),
  'mongodb-connector': valuesOf(mongodbConnector),
  'mongodb-connector-documents': valuesOf(mongodbConnectorDocuments),
};

/** Their lines have the key and the value of a message; a string is its text as it is. Tombstones have no form here. */
function valuesOf(lines: string): string {
  const values = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { value: unknown }).value);
  return values
    .filter((value) => value !== null)
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
    .join('\n');
}
