/** What a table spec masks, and a capture cannot. */
import { type FieldPath, isWithin, overlap, pathText } from '../schema/field-path.js';
import type { TableSpec } from '../schema/spec.js';
import type { MaskOptions } from './masks.js';
import { OWN_FIELDS } from './own-fields.js';

/** In sentences. */
export function captureMaskProblems(options: Omit<MaskOptions, 'maskKey'>): string[] {
  const { spec } = options;
  return [...maskedFields(spec).flatMap((field) => fieldProblems(field, spec)), ...copyProblems(options)];
}

interface MaskedField {
  readonly owner: string;
  readonly path: FieldPath;
  readonly isHmac: boolean;
  readonly hasEncoding: boolean;
}

function maskedFields({ columns, masks }: TableSpec): MaskedField[] {
  const ofColumns = columns.flatMap(({ name, paths, mask, encoding }) =>
    mask === undefined
      ? []
      : paths.map((path) => ({
          owner: `column ${name}`,
          path,
          isHmac: mask === 'hmac',
          hasEncoding: encoding !== undefined,
        })),
  );
  const ofPaths = masks.map(({ path, mask }) => ({
    owner: `masks ${pathText(path)}`,
    path,
    isHmac: mask === 'hmac',
    hasEncoding: false,
  }));
  return [...ofColumns, ...ofPaths];
}

function fieldProblems({ owner, path, isHmac, hasEncoding }: MaskedField, { embedded }: TableSpec): string[] {
  const { of, names } = path;
  if (of === 'key') {
    return names.length === 0 && isHmac ? [] : [`${owner}: of the Kafka key, a text, a capture can mask all by hmac`];
  }
  if (names.length === 1 && OWN_FIELDS.has(names[0]) && !(names[0] === 'order_id' && isHmac)) {
    const why = names[0] === 'order_id' ? 'identifies a document: its mask can be hmac' : 'is not of the document';
    return [`${owner}: ${names[0]} ${why}`];
  }
  if (hasEncoding) return [`${owner}: what is masked is no text of base64 anymore: leave out encoding and scale`];
  const around = embedded.find((outer) => isWithin(path, outer));
  return around === undefined ? [] : [`${owner}: is inside of ${pathText(around)}, a text, in which nothing is masked`];
}

/** The envelope's copies of masked fields. */
function copyProblems({ spec, orderIdPath, eventTimePath }: Omit<MaskOptions, 'maskKey'>): string[] {
  const masked = maskedFields(spec);
  const isMasked = (path: string) =>
    masked.some((field) => overlap(field.path, { of: 'value', names: path.split('.') }));
  const problems: string[] = [];
  const masksOrderId = masked.some(({ path: { of, names } }) => of === 'value' && names.join() === 'order_id');
  for (const { owner } of masked.filter(({ path: { of } }) => of === 'key' && !masksOrderId)) {
    problems.push(`${owner}: the Kafka key is masked, and order_id has the same in clear: give it the mask hmac, too`);
  }
  if (orderIdPath !== undefined && isMasked(orderIdPath) !== masksOrderId) {
    const [masked, clear] = masksOrderId ? ['order_id', orderIdPath] : [orderIdPath, 'order_id'];
    problems.push(
      `ORDER_ID_PATH=${orderIdPath}: ${masked} is masked, and ${clear} has the same in clear: mask it, too`,
    );
  }
  if (eventTimePath !== undefined && isMasked(eventTimePath)) {
    problems.push(`EVENT_TIME_PATH=${eventTimePath}: it is masked, and event_time would have the same in clear`);
  }
  return problems;
}
