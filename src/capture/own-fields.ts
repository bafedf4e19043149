/** The envelope's own fields; fields of the document with these names are kept in `document`. */
export const OWN_FIELDS: ReadonlySet<string> = new Set([
  'change_id',
  'operation',
  'order_id',
  'order_id_type',
  'event_time',
  'cluster_time',
  'document',
]);
