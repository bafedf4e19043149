/** The settings of `sluice capture`. */
import * as z from 'zod';
import { bytes, integer, MIB, oneOf, type Settings, setting, someText, text } from '../core/settings.js';

const fieldPath = () =>
  text(/^[^.\s$][^.]*(\.[^.]+)*$/, 'must be a field or a path of fields, such as order.id').optional();

export const captureSettings = z.object({
  uri: setting(
    'MONGODB_URI',
    'the replica set',
    text(/^mongodb(\+srv)?:\/\/\S+$/, 'must be a mongodb:// or mongodb+srv:// URI').prefault(
      'mongodb://127.0.0.1:27017/?replicaSet=rs0',
    ),
  ),
  database: setting('MONGODB_DATABASE', 'its database', someText().prefault('shop')),
  collection: setting('MONGODB_COLLECTION', 'the collection that is captured', someText().prefault('orders')),
  orderIdPath: setting(
    'ORDER_ID_PATH',
    'where the order id is in the document; the collection must then keep pre-images',
    fieldPath(),
    'the `_id`',
  ),
  eventTimePath: setting(
    'EVENT_TIME_PATH',
    'where the event time is in the document',
    fieldPath(),
    'when the server saw it',
  ),
  fullDocument: setting(
    'FULL_DOCUMENT',
    "an update's document: as it is when read (`updateLookup`), or right after it (`whenAvailable`, `required`)",
    oneOf(['updateLookup', 'whenAvailable', 'required']).prefault('updateLookup'),
  ),
  onInvalidate: setting(
    'ON_INVALIDATE',
    'after the collection was dropped or renamed: `stop` or `continue`',
    oneOf(['stop', 'continue']).prefault('stop'),
  ),
  transactionEvents: setting(
    'TRANSACTION_EVENTS',
    'a transaction closes at this many events …',
    integer(1, 100_000).prefault('10000'),
  ),
  transactionBytes: setting('TRANSACTION_BYTES', '… or this many bytes …', bytes(1, 64 * MIB).prefault('8MiB')),
  transactionIntervalMs: setting(
    'TRANSACTION_INTERVAL_MS',
    '… or after this long, whichever comes first',
    integer(1, 60_000).prefault('100'),
  ),
  tokenIntervalMs: setting(
    'TOKEN_INTERVAL_MS',
    'how often the position of an idle stream is stored',
    integer(1, 86_400_000).prefault('10000'),
  ),
  masksDocuments: setting(
    'MASK_CAPTURE',
    'whether what TABLE_SPEC masks is masked in Kafka already: see [privacy](privacy.md#masks-in-kafka)',
    oneOf(['true', 'false'])
      .transform((word) => word === 'true')
      .optional(),
    '`false`; warns if there are masks',
  ),
  maxMessageBytes: setting('MAX_MESSAGE_BYTES', 'what the broker accepts', bytes(1000, 1024 * MIB).prefault('1000000')),
});

export type CaptureSettings = Settings<typeof captureSettings>;
