/** Stores of schemas, with what they log. */
import { onTestFinished } from 'vitest';
import type { Logger } from '../../src/core/log.js';
import { SchemaStore, type StoreOptions } from '../../src/registry/schema-store.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { temporaryDirectory } from './batches.js';

/** Of the values of its topic. */
export const SUBJECT = 'orders-value';
/** An id that no registry knows. */
export const UNREGISTERED = 77;

interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** One of the topic `orders`, whose values are Avro; it is closed at the end of the test. */
export function store(url: string, more: Partial<StoreOptions> = {}) {
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (fields: Record<string, unknown> | string, message = '') =>
      lines.push(typeof fields === 'string' ? { level, message: fields, fields: {} } : { level, message, fields });
  const log = { info: at('info'), warn: at('warn'), error: at('error') } as unknown as Logger;
  const counted = { errors: 0, unreadable: 0 };
  const hooks = {
    onError: () => counted.errors++,
    onUnreadable: () => counted.unreadable++,
  };
  const options: StoreOptions = {
    ...{ url, user: undefined, password: undefined, ca: undefined, cert: undefined, key: undefined },
    ...{
      valueFormat: 'avro',
      keyFormat: 'json',
      unknownWaitMs: 0,
      dataDir: temporaryDirectory(),
      topic: 'orders',
      spec: ORDERS_SPEC,
    },
    onUnknownSchema: 'fail',
    ...more,
  };
  const made = new SchemaStore(options, hooks, log);
  onTestFinished(() => made.close());
  return { store: made, lines, counted, dataDir: options.dataDir };
}

export const warnings = (lines: readonly LogLine[]) => lines.filter(({ level }) => level === 'warn');
