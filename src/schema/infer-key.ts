/** Which field identifies what a change changed, where the form of the messages does not say it. */
import { SluiceError } from '../core/errors.js';
import type { SampleMessage } from './infer-forms.js';
import { isObject, objectIn, SampleField } from './sample-fields.js';

export interface InferredKey {
  /** The field's, in the value or in the message key; of all of the key, of the column. */
  readonly name: string;
  readonly of: 'value' | 'key' | 'whole';
  readonly doubt?: string;
}

/**
 * @param documents fields of the value of which one has the key; empty: the value itself
 * @param view names the thing: "orders" have an "order_id"
 * @throws SluiceError SLUICE_CONFIG if nothing can be it
 */
export function inferKey(changes: readonly SampleMessage[], documents: readonly string[], view: string): InferredKey {
  const candidates =
    documents.length === 0 ? changes : changes.filter(({ value }) => documents.some((one) => value?.[one]));
  const fields = new SampleField();
  for (const { value } of candidates) {
    const found = documents.length === 0 ? value : documents.map((one) => objectIn(value?.[one])).find(isObject);
    if (isObject(found)) fields.addFields(found);
  }
  const isOfAll = (name: string) => {
    const field = fields.fields.get(name);
    return field?.seen === candidates.length && !field.has('object', 'array', 'double', 'decimal', 'bool');
  };
  const keys = candidates.map(({ key }) => key);
  if (keys.length > 0 && keys.every((key) => key !== null)) {
    const [first] = keys;
    const names = isObject(first) ? Object.keys(first) : [];
    const areAlike = keys.every((key) => isObject(key) && Object.keys(key).join() === names.join());
    if (names.length === 1 && areAlike) return { name: names[0], of: isOfAll(names[0]) ? 'value' : 'key' };
    if (documents.length > 0 || !keys.every(isObject)) {
      const doubt =
        areAlike && names.length > 1
          ? `Its fields are ${names.join(', ')}.`
          : 'Is it the same for all changes of a row?';
      return { name: `${view.slice(0, 58)}_key`, of: 'whole', doubt: `All of the message key. ${doubt}` };
    }
  }
  const one = view.replace(/s$/, '');
  const names = [...fields.fields.keys()].filter(isOfAll);
  const name =
    ['id', '_id', `${one}_id`, `${view}_id`, `${one}Id`].find((name) => names.includes(name)) ??
    names.find((name) => /(_id|Id|ID|_key)$/.test(name));
  if (name !== undefined)
    return { name, of: 'value', doubt: 'Guessed by its name: it must identify the row that a change is of.' };
  throw new SluiceError(
    'SLUICE_CONFIG',
    'no field looks like a key, with a value in all messages and a name such as "id": give the role to one in a ' +
      'preset, or in a spec of your own (docs/table-spec.md)',
  );
}
