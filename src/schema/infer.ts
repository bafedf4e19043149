/** A table spec from a sample of messages: what `sluice spec --infer` prints, to be looked at and edited. */
import { SluiceError } from '../core/errors.js';
import { connectType } from './connect-types.js';
import type { FieldHint, HintOf } from './field-hint.js';
import { type FieldPath, isWithin, MAX_PATH_DEPTH } from './field-path.js';
import { formOf, type SampleForm, type SampleMessage, sampleMessage } from './infer-forms.js';
import { inferKey } from './infer-key.js';
import { inferKind } from './infer-kind.js';
import { ColumnNames, identifierOf } from './infer-names.js';
import { type ColumnJson, guessRoles } from './infer-roles.js';
import { PRESETS } from './presets.js';
import { isObject, type JsonObject, objectIn, SampleField } from './sample-fields.js';
import { SCHEMA_FILE } from './spec-file.js';

/** As Kafka has it, in UTF-8. */
export interface RawMessage {
  /** null: it has none, or it is not known. */
  readonly key: string | null;
  /** null: a tombstone. */
  readonly value: string | null;
}

type PathJson = string | readonly string[] | { readonly key: string | readonly string[] };
type SpecJson = Readonly<Record<string, unknown>>;

/** Columns, and paths of them, that a spec may have. */
const MAX_PATHS = 64;
/** An object with more fields has data for names, and is one column. */
const MAX_FIELDS = 40;

const KEYS_UNKNOWN =
  'The keys of the messages are not in the sample: take { "key": "id" }, as preset:debezium-mongodb does, for ' +
  'deletes without a pre-image and tombstones.';

/** A field that becomes a column. */
interface Leaf {
  readonly names: readonly string[];
  readonly field: SampleField;
}

/**
 * @param name of the topic, or the file: what the table and the view are called after
 * @param hintOf what a schema says of fields of the values
 * @returns JSON of a spec that parseSpec takes, and by which every change of the sample becomes a row
 * @throws SluiceError SLUICE_CONFIG if there is no message that is a JSON object, or nothing can be the key
 */
export function inferSpec(sample: readonly RawMessage[], name: string, hintOf?: HintOf): string {
  const messages = sample.map(({ key, value }) => sampleMessage(key, value));
  const values = messages.map(({ value }) => value).filter((value) => value !== undefined);
  if (values.length === 0) {
    throw new SluiceError('SLUICE_CONFIG', `${name}: none of its ${sample.length} messages is a JSON object`);
  }
  const form = formOf(values);
  const changes = messages.filter(({ value }) => value !== undefined && (form?.matches(value) ?? true));
  const view = identifierOf(name.replace(/^.*\.(?=.)/, '')) ?? 'changes';
  const tombstones = sample.filter(({ value }) => value === null).length;
  const others = sample.length - tombstones - changes.length;
  const comment = [
    `Inferred from ${sample.length} messages`,
    form === undefined ? '' : ` in the form of preset:${form.preset}`,
    others > 0 ? `, ${others} of which are in another form, or no JSON objects` : '',
    tombstones > 0 ? `, ${tombstones} tombstones` : '',
    '. Look at the comments of its columns.',
  ].join('');
  const { columns, leftOut, ...frame } = new Inference(form, changes, messages, view, hintOf).spec();
  const left = leftOut.length === 0 ? '' : ` No column for ${leftOut.length} fields: ${leftOut.join(', ')}.`;
  const spec = { $schema: SCHEMA_FILE, comment: `${comment}${left}`, table: `cdc_${view}`.slice(0, 63), view };
  return JSON.stringify({ ...spec, ...frame, columns }, null, 2);
}

class Inference {
  readonly #form: SampleForm | undefined;
  readonly #preset: SpecJson;
  readonly #changes: readonly SampleMessage[];
  readonly #messages: readonly SampleMessage[];
  readonly #view: string;
  readonly #names = new ColumnNames();
  /** Of the newest state, and of the value as a whole. */
  readonly #document = new SampleField();
  readonly #hintOf: HintOf;

  constructor(
    form: SampleForm | undefined,
    changes: readonly SampleMessage[],
    messages: readonly SampleMessage[],
    view: string,
    hintOf?: HintOf,
  ) {
    this.#form = form;
    this.#preset = form === undefined ? { ignore: ['schema', { key: 'schema' }], columns: [] } : PRESETS[form.preset];
    this.#changes = changes;
    this.#messages = messages;
    this.#view = view;
    const schema = changes.find((message) => message.schema !== undefined)?.schema;
    this.#hintOf = hintOf ?? ((names) => connectType(schema, names));
    for (const { value } of changes) {
      const document = documentOf(value!, form?.documents[0]);
      if (document !== undefined) this.#document.add(document);
    }
  }

  spec(): SpecJson & { columns: readonly ColumnJson[]; leftOut: readonly string[] } {
    const given = this.#givenColumns();
    const key = this.#keyColumn();
    const roles = [key, ...given];
    const taken = roles.flatMap(({ name, path = name, paths = [path] }) =>
      paths.filter((one) => !isOfKey(one)).map((one): FieldPath => ({ of: 'value', names: namesOf(one) })),
    );
    const variants = this.#either([]).length;
    const used = roles.reduce((sum, { paths }) => sum + (paths?.length ?? 1), 0);
    const { leaves, leftOut } = this.#leaves(Math.floor((MAX_PATHS - used) / variants), taken);
    const columns = leaves.map((leaf) => this.#column(leaf));
    const { embedded, ignore, deletes, copies = [] } = this.#preset;
    const copied = (copies as { of: PathJson }[]).filter(({ of }) => this.#seen([of]).length > 0);
    const isWhole = JSON.stringify(key.path) === '{"key":[]}';
    const kept = (paths: unknown) =>
      this.#seen((paths ?? []) as PathJson[]).filter((path) => !(isWhole && isOfKey(path)));
    return {
      ...(kept(embedded).length > 0 && { embedded: kept(embedded) }),
      ...(kept(ignore).length > 0 && { ignore: kept(ignore) }),
      ...(copied.length > 0 && { copies: copied }),
      ...(deletes !== undefined && { deletes: this.#deletes(deletes as { tombstone?: boolean | string }) }),
      columns: guessRoles([...roles, ...columns], this.#document),
      leftOut,
    };
  }

  /** Whether tombstones become rows, which have nothing but the key. */
  get #hasTombstones(): boolean {
    return Boolean((this.#preset.deletes as { tombstone?: boolean | string } | undefined)?.tombstone);
  }

  /** With the path of a null that is a tombstone only if the sample has the wrapper. */
  #deletes(deletes: { tombstone?: boolean | string }): object {
    const { tombstone } = deletes;
    return typeof tombstone === 'string' && this.#seen([[tombstone]]).length === 0
      ? { ...deletes, tombstone: true }
      : deletes;
  }

  /** The columns of the preset that are of any topic, with the paths that the sample has. */
  #givenColumns(): ColumnJson[] {
    const columns = this.#preset.columns as ColumnJson[];
    return columns
      .filter(({ name }) => this.#form?.columns.includes(name))
      .filter(({ name }) => name !== 'order_id_type' || this.#document.fields.has(name))
      .map((column) => this.#withSeenPaths(column, this.#names.unique(column.name)));
  }

  #keyColumn(): ColumnJson {
    const preset = (this.#preset.columns as ColumnJson[]).find(({ role }) => role === 'key');
    const needsKey = JSON.stringify(preset?.paths)?.startsWith('[{"key"');
    const hasKeys = this.#messages.some(({ key }) => key !== null);
    if (preset !== undefined && this.#form?.key && (hasKeys || !needsKey)) {
      return this.#withSeenPaths(preset, this.#names.unique(this.#form.key));
    }
    const found = inferKey(this.#changes, this.#form?.documents ?? [], this.#view);
    const name = this.#names.unique(identifierOf(found.name) ?? 'key');
    const documents = this.#form?.documents.length ? this.#form.documents : [undefined];
    const ofValue = documents.flatMap((document) => this.#either([...(document ? [document] : []), found.name]));
    // Debezium for MongoDB has JSON text in its keys, which is another text than that of the document.
    const ofKey = needsKey ? [] : this.#seen([{ key: ['payload', found.name] }, { key: [found.name] }]);
    const paths = { value: [...ofValue, ...(this.#hasTombstones ? ofKey : [])], key: ofKey, whole: [{ key: [] }] }[
      found.of
    ];
    const comment = needsKey ? KEYS_UNKNOWN : found.doubt;
    return { name, ...pathsJson(name, paths), kind: 'text', required: true, role: 'key', ...(comment && { comment }) };
  }

  #withSeenPaths(from: ColumnJson, name: string): ColumnJson {
    const { name: field, path = [field], paths = [path], ...column } = from;
    return { name, ...pathsJson(name, this.#seen(paths)), ...column };
  }

  /** Without those that are in a wrapper, or in none, if no message of the sample is so. */
  #seen(paths: readonly PathJson[]): PathJson[] {
    return paths.filter((path) => {
      const inWrapper = ['payload', 'schema'].includes(namesOf(path)[0]);
      const forms = isOfKey(path)
        ? this.#messages.filter(({ key }) => key !== null).map(({ isKeyWrapped }) => isKeyWrapped)
        : this.#changes.map(({ isWrapped }) => isWrapped);
      return forms.length === 0 ? !inWrapper : forms.includes(inWrapper);
    });
  }

  /** The paths of a field of the value, in the wrapper and without, as the sample has it. */
  #either(names: readonly string[]): (readonly string[])[] {
    const wrapped = new Set(this.#changes.map(({ isWrapped }) => isWrapped));
    return [...(wrapped.has(true) ? [['payload', ...names]] : []), ...(wrapped.has(false) ? [names] : [])];
  }

  /**
   * Objects are taken apart from the top down, as long as there is room.
   * @param taken paths of other columns: around these, objects are taken apart in any case
   */
  #leaves(room: number, taken: readonly FieldPath[]): { leaves: Leaf[]; leftOut: string[] } {
    const within = (names: readonly string[]) =>
      this.#either(names).map((names): FieldPath => ({ of: 'value', names }));
    const isFree = ({ names }: Leaf) => !within(names).some((path) => taken.some((other) => isWithin(path, other)));
    const holdsOther = (names: readonly string[]) =>
      within(names).some((path) => taken.some((other) => isWithin(other, path)));
    const [document] = this.#form?.documents ?? [];
    // Fields that a connector adds are in `extra`, unless they have a role.
    const isAdded = (name: string) => this.#form?.preset === 'debezium-flat' && name.startsWith('__');
    const all = [...this.#document.fields]
      .filter(([name]) => !isAdded(name))
      .map(([name, field]): Leaf => ({ names: document === undefined ? [name] : [document, name], field }))
      .filter(isFree);
    const leaves = all.slice(0, room);
    const leftOut = all.slice(room).map(({ names }) => names.at(-1)!);
    for (let at = 0; at < leaves.length; ) {
      const { names, field } = leaves[at];
      const inner = [...field.fields]
        .map(([name, of]): Leaf => ({ names: [...names, name], field: of }))
        .filter(isFree);
      const isApart = field.isOnly('object') && inner.length > 0 && field.fields.size <= MAX_FIELDS;
      const isDeep = within(names).some((path) => path.names.length >= MAX_PATH_DEPTH);
      if (holdsOther(names) || (isApart && !isDeep && leaves.length - 1 + inner.length <= room)) {
        leaves.splice(at, 1, ...inner);
      } else at++;
    }
    return { leaves, leftOut };
  }

  #column({ names, field }: Leaf): ColumnJson {
    const documents = this.#form?.documents ?? [];
    const own = names.slice(documents.length > 0 ? 1 : 0);
    const name = this.#names.unique(identifierOf(own.join('_')) ?? 'field');
    const { kind, unit, raw, doubt, encoding, scale, precision } = kindOf(names.at(-1)!, field, this.#hintOf(names));
    return {
      name,
      ...pathsJson(name, this.#either(names)),
      kind,
      ...(unit && { unit }),
      ...(raw && { raw: this.#names.unique(`${name.slice(0, 58)}_raw`) }),
      ...(precision && { precision }),
      ...(encoding && { encoding }),
      ...(scale !== undefined && { scale }),
      ...(doubt && { comment: doubt }),
    };
  }
}

/** What the schema says for certain, else what the values look like. */
function kindOf(name: string, field: SampleField, hint: FieldHint | undefined): FieldHint {
  if (hint !== undefined && (!hint.isWeak || field.seen === 0)) return hint;
  const guess = inferKind(name, field);
  return hint?.isFraction && guess.kind === 'int64' ? hint : guess;
}

function documentOf(value: JsonObject, name: string | undefined): JsonObject | undefined {
  const document = name === undefined ? value : objectIn(value[name]);
  return isObject(document) ? document : undefined;
}

function namesOf(path: PathJson): readonly string[] {
  const names = typeof path === 'object' && 'key' in path ? path.key : path;
  return typeof names === 'string' ? names.split('.') : names;
}

function isOfKey(path: PathJson): boolean {
  return typeof path === 'object' && 'key' in path;
}

/** As a person would write them. */
function pathsJson(name: string, paths: readonly PathJson[]): Pick<ColumnJson, 'path' | 'paths'> {
  const written = paths.map((path) => {
    const names = namesOf(path);
    const text = names.length > 0 && names.every((one) => /^[^.$[\]]+$/.test(one)) ? names.join('.') : names;
    return isOfKey(path) ? { key: text } : text;
  });
  if (written.length > 1) return { paths: written };
  return written[0] === name ? {} : { path: written[0] };
}
