/** What a capture masks, compared with what the kernel makes of the same documents when `run` masks them. */
import { BSON, Double, Int32, Long, ObjectId, Timestamp } from 'mongodb';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { readEvent } from '../../src/capture/change-event.js';
import { checkpointMessage, isMasked, parseCheckpoint, snapshotCheckpoint } from '../../src/capture/checkpoint.js';
import { changeMessage, snapshotMessage } from '../../src/capture/envelope.js';
import { CaptureMasks, captureMasks } from '../../src/capture/masks.js';
import { withoutTokens } from '../../src/capture/resume-token.js';
import { readConfig } from '../../src/config.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { anyDocument, anyValue } from '../support/bson-kinds.js';
import { kernelResults, kernelsOf, messagesOf } from '../support/kernel.js';
import { Random } from '../support/random.js';
import { referenceHmac, TEST_KEY } from '../support/reference-masks.js';

const ROLES = [
  { name: 'change_id', kind: 'text', required: true, role: 'change_id' },
  { name: 'operation', kind: 'text', role: 'operation' },
  { name: 'order_id', kind: 'text', required: true, role: 'key', mask: 'hmac' },
];
const COLUMNS = [
  { name: 'email', path: 'contact.email', kind: 'text', mask: 'hmac' },
  { name: 'name', kind: 'text', mask: 'redact' },
  { name: 'card', paths: ['card', 'pay.card'], kind: 'text', mask: { partial: { keep: 2 } } },
  { name: 'salary', kind: 'amount', raw: 'salary_raw', mask: { truncate: { to: 1000 } } },
  { name: 'points', kind: 'int64', mask: { truncate: { to: 7 } } },
  { name: 'born', kind: 'date', mask: { truncate: { to: 'year' } } },
  { name: 'seen', kind: 'timestamp', unit: 's', mask: { truncate: { to: 'day' } } },
  { name: 'age', kind: 'int64', mask: 'drop' },
  { name: 'items', kind: 'json' },
  { name: 'address', kind: 'json', mask: 'redact' },
];
const MASKS = [
  { path: 'items.owner', mask: 'hmac' },
  { path: 'items.note', mask: { partial: { keep: 1 } } },
  { path: 'phone', mask: 'redact' },
  { path: 'doc.ssn', mask: 'drop' },
];

function specOf(columns: readonly object[], masks: readonly object[] = [], more: object = {}) {
  return parseSpec(JSON.stringify({ table: 't', view: 'v', columns, masks, ...more }), 'of the test');
}

const SPEC = specOf([...ROLES, ...COLUMNS], MASKS, { ignore: ['ignored'] });
const CLEAR = specOf([...ROLES, ...COLUMNS].map(({ mask: _, ...column }: { mask?: unknown }) => column));
const PLAIN = { orderIdPath: undefined, eventTimePath: undefined };
const maskOptions = { spec: SPEC, maskKey: TEST_KEY, ...PLAIN };
const masks = new CaptureMasks(maskOptions);
const SECRET = 's3cr3t';
const HEX = Buffer.from(SECRET).toString('hex').toUpperCase();
const TIME = '6500000000000001';

function event(more: BSON.Document) {
  const fields = {
    // A token of MongoDB has the `_id`.
    ...{ _id: { _data: `82${TIME}29295A1004${HEX}0004` }, operationType: 'update' },
    clusterTime: new Timestamp({ t: 0x65000000, i: 1 }),
    ...{ wallTime: new Date(5), documentKey: { _id: SECRET } },
  };
  return readEvent(BSON.serialize({ ...fields, ...more }));
}

const masked = (more: BSON.Document) => changeMessage(event(more), { ...PLAIN, masks });
const jsonOf = ({ value }: { value: Buffer }) => JSON.parse(value.toString());

/** A document with the spec's fields, each of any kind, often as it should be. */
function anyPerson(random: Random): BSON.Document {
  const number = () =>
    random.pick([random.below(1e6), random.next() * 1e5, Long.fromNumber(random.below(1e9)), '12.5']);
  const time = () => random.pick([new Date(random.below(4e12) - 1e12), '2024-05-06T07:08:09Z', '2023-01-31', number()]);
  const text = () => random.pick(['a', 'é😀 "x"\n', 'someone@example.com', String(random.next()), new ObjectId()]);
  const usual = (value: () => unknown) => (random.next() < 0.7 ? value() : anyValue(random));
  return {
    _id: usual(text),
    contact: usual(() => ({ email: usual(text), other: 1 })),
    ...{ name: usual(text), card: usual(text), pay: { card: usual(text) } },
    ...{ salary: usual(number), points: usual(number), born: usual(time), seen: usual(time), age: usual(number) },
    items: usual(() => [{ owner: usual(text), note: usual(text) }, { owner: null }, usual(text)]),
    ...{ address: anyValue(random), phone: usual(text), doc: usual(() => ({ ssn: anyValue(random) })) },
  };
}

describe('a masked message', () => {
  const RUN_MASKS = ['order_id', 'email', 'name', 'card', 'salary', 'born', 'seen', 'points', 'age', 'address'];

  it('becomes the row that run would have masked, of random documents', () => {
    const random = new Random(3);
    const documents = Array.from({ length: 4000 }, () => anyPerson(random));
    const valuesOf = (options: object) =>
      documents.map(({ _id, ...fullDocument }) => {
        const fields = { documentKey: { _id }, fullDocument: { _id, ...fullDocument } };
        return changeMessage(event(fields), { ...PLAIN, ...options }).value;
      });
    const [run] = kernelsOf(SPEC, {}, [{ wasm: 'release', learned: true }]);
    const [clear] = kernelsOf(CLEAR, {}, [{ wasm: 'release', learned: true }]);
    const wanted = kernelResults(run, SPEC, messagesOf(valuesOf({})));
    const got = kernelResults(clear, CLEAR, messagesOf(valuesOf({ masks })));
    let hmacs = 0;
    for (const [index, result] of wanted.entries()) {
      const other = got[index];
      if (!result.row || !other.row) throw new Error(`${result.status} ${other.status}`);
      for (const name of RUN_MASKS) expect([name, other.row[name]]).toEqual([name, result.row[name]]);
      hmacs += Number(result.row.email !== null);
    }
    expect(hmacs).toBeGreaterThan(2000);
  });

  it('has no secret in any form of value, of key, id or update, whatever names a document has', () => {
    const random = new Random(4);
    const secret = () => {
      const forms = [SECRET, `${SECRET} "é`, [SECRET], { inner: SECRET }, new Double(1), [[{ a: SECRET }]], null];
      return random.pick(forms);
    };
    for (let n = 0; n < 2000; n++) {
      const fields: BSON.Document = {
        ...{ contact: random.pick([{ email: secret() }, [{ email: secret() }], SECRET]), name: secret() },
        ...{ card: secret(), pay: { card: secret() }, salary: secret(), points: secret(), born: secret() },
        ...{ seen: secret(), age: secret(), items: [{ owner: secret(), note: [SECRET] }, SECRET], address: secret() },
        ...{ phone: secret(), doc: { ssn: secret() }, ignored: secret(), order_id: secret() },
      };
      const updatedFields: BSON.Document = {
        ...fields,
        ...{ 'contact.email': secret(), 'items.0.owner': secret(), 'items.1': SECRET, 'items.2.note.0': secret() },
        ...{ 'pay.card': secret(), 'contact.email.deep': secret(), 'doc.ssn': secret(), 'order_id.x': secret() },
      };
      const truncatedArrays = [{ field: 'items', newSize: new Int32(1) }];
      const messages = [
        masked({ fullDocument: { _id: SECRET, ...fields } }),
        masked({ fullDocument: null, updateDescription: { updatedFields, removedFields: ['a'], truncatedArrays } }),
        snapshotMessage(BSON.serialize({ _id: SECRET, ...fields }), { source: 'a.b', time: TIME }, { ...PLAIN, masks }),
      ];
      for (const { key, value, changeId, orderId } of messages) {
        const text = `${key} ${value} ${changeId} ${JSON.stringify(orderId)}`;
        expect(text).not.toContain(SECRET);
        expect(text.toUpperCase()).not.toContain(HEX);
      }
    }
  });

  it('has all else as it was', () => {
    const random = new Random(5);
    for (let n = 0; n < 500; n++) {
      const fullDocument = anyDocument(random, 3, ['a', 'b.c', 'status', 'contacts', 'operation']);
      const { key: _, value, changeId } = masked({ fullDocument });
      const clear = changeMessage(event({ fullDocument }), PLAIN);
      const text = String(value).replace(changeId, clear.changeId).replace(referenceHmac(SECRET), SECRET);
      expect(text).toBe(String(clear.value));
    }
  });

  it('masks an update by its dotted paths', () => {
    const updatedFields = {
      'contact.email': 'x',
      'items.3.owner': 'y',
      'items.0': { owner: 'z', sku: 1 },
      status: 'paid',
    };
    const removedFields = ['contact.email'];
    const { update, operation } = jsonOf(masked({ updateDescription: { updatedFields, removedFields } }));
    expect(operation).toBe('vanished');
    expect(update).toEqual({
      updatedFields: {
        'contact.email': referenceHmac('x'),
        'items.3.owner': referenceHmac('y'),
        'items.0': { owner: referenceHmac('z'), sku: 1 },
        status: 'paid',
      },
      removedFields,
    });
    const spec = specOf(ROLES, [{ path: ['a', '0', '0', '0', '0', 'x'], mask: 'redact' }]);
    const { updated } = new CaptureMasks({ ...maskOptions, spec });
    expect(updated.members.get(`a${'.0'.repeat(500)}`)?.mask?.('1')).toBe('"***"');
  });

  it('has nothing of fields with names of its own if `document` is ignored', () => {
    const spec = specOf([...ROLES, ...COLUMNS], MASKS, { ignore: ['document'] });
    const options = { ...PLAIN, masks: new CaptureMasks({ ...maskOptions, spec }) };
    const own = { operation: SECRET, order_id: SECRET, document: { a: SECRET } };
    const message = changeMessage(event({ fullDocument: { _id: 1, ...own, status: 'paid' } }), options);
    expect(String(message.value)).not.toContain(SECRET);
    expect(jsonOf(message)).toMatchObject({ operation: 'update', document: null, status: 'paid' });
    const updatedFields = { ...own, 'operation.of': SECRET, 'document.a': SECRET, status: 'paid' };
    const vanished = changeMessage(event({ updateDescription: { updatedFields } }), options);
    expect(String(vanished.value)).not.toContain(SECRET);
    expect(jsonOf(vanished).update.updatedFields.status).toBe('paid');
    expect(jsonOf(changeMessage(event({ fullDocument: { status: 'paid' } }), options))).not.toHaveProperty('document');
  });

  it('has an id and a key that are the same each time, and tell nothing', () => {
    const { key, changeId } = masked({ fullDocument: { _id: SECRET } });
    expect(key).toBe(referenceHmac(SECRET));
    expect(changeId).toMatch(new RegExp(`^82${TIME}M[0-9A-F]{32}$`));
    expect(masked({ fullDocument: { _id: SECRET } }).changeId).toBe(changeId);
    // 10 and "10" are two documents, and have two keys.
    const keyOf = (_id: unknown) => masked({ documentKey: { _id }, fullDocument: { _id } }).key;
    expect(keyOf(10)).toBe(referenceHmac('10'));
    expect(keyOf('10')).toBe(referenceHmac('"10"'));
  });
});

describe('a position', () => {
  const record = { ...snapshotCheckpoint(TIME, `{"id":"${SECRET}"}`, false), token: `82${TIME}29${HEX}` };

  it('is encrypted, and opened with the same key only', () => {
    const text = String(checkpointMessage('orders', 'shop.orders', record, masks).value);
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(HEX);
    expect([isMasked(text), isMasked(String(checkpointMessage('orders', 'a.b', record).value))]).toEqual([true, false]);
    expect(parseCheckpoint(text, 'orders', masks)).toEqual(record);
    const other = new CaptureMasks({ ...maskOptions, maskKey: Buffer.alloc(32) });
    expect(() => parseCheckpoint(text, 'orders', other)).toThrow(/topic orders was masked with another key/);
  });

  it('is not gone on from with fewer or other masks, but with more', () => {
    const text = String(checkpointMessage('orders', 'shop.orders', record, masks).value);
    const read = (columns: readonly object[], paths: readonly object[]) => () =>
      parseCheckpoint(
        text,
        'orders',
        new CaptureMasks({ ...maskOptions, spec: specOf([...ROLES, ...columns], paths) }),
      );
    const more = { name: 'more', kind: 'text', mask: 'hmac' };
    expect(read([...COLUMNS, more], MASKS)()).toEqual(record);
    const [{ mask: _, ...clear }, ...others] = COLUMNS as [{ mask: string }, ...object[]];
    expect(read([clear, ...others], MASKS)).toThrow(/lacks 1 of the 15 masks that the topic orders was written with/);
    expect(read(others, [...MASKS, { path: 'contact.email', mask: 'hmac' }])()).toEqual(record);
    expect(read([{ ...clear, mask: 'redact' }, ...others], MASKS)).toThrow(/lacks 1 of/);
    expect(read(COLUMNS, MASKS.slice(1))).toThrow(/lacks 1 of/);
  });

  it('is cut after its time in errors', () => {
    const text = `cannot resume: {_data: "82${TIME}29${HEX}"}`;
    expect(withoutTokens(text)).toBe(`cannot resume: {_data: "82${TIME}…"}`);
  });
});

describe('masks that a capture cannot have', () => {
  const attempt = (more: Partial<ConstructorParameters<typeof CaptureMasks>[0]>) => () =>
    new CaptureMasks({ ...maskOptions, ...more });
  const id = { name: 'order_id', kind: 'text', required: true, role: 'key' };
  const email = { name: 'email', kind: 'text', mask: 'hmac' };

  it.each([
    ['no masks', { spec: CLEAR }, /the table spec has no masks/],
    ['no key', { maskKey: undefined }, /MASK_KEY_FILE/],
    [
      'the order id in clear',
      { orderIdPath: 'contact.email', spec: specOf([id, { ...email, path: 'contact.email' }]) },
      /order_id has the same in clear/,
    ],
    ['its field in clear', { orderIdPath: 'number' }, /order_id is masked, and number has the same in clear/],
    ['the event time', { eventTimePath: 'seen' }, /event_time would have the same in clear/],
    [
      'own fields',
      { spec: specOf([id, email], [{ path: 'cluster_time', mask: 'drop' }]) },
      /cluster_time is not of the document/,
    ],
    [
      'a redacted id',
      { spec: specOf([{ ...id, path: 'other' }, email], [{ path: 'order_id', mask: 'redact' }]) },
      /its mask can be hmac/,
    ],
    [
      'the Kafka key alone',
      { spec: specOf([{ ...id, name: 'person', path: { key: [] }, mask: 'hmac' }]) },
      /column person: the Kafka key is masked, and order_id has the same in clear/,
    ],
    ['a field of the key', { spec: specOf([id, { ...email, path: { key: 'a' } }]) }, /all by hmac/],
    [
      'inside of a text',
      { spec: specOf([id, { ...email, path: 'doc.email' }], [], { embedded: ['doc'] }) },
      /is inside of \["doc"\]/,
    ],
  ])('%s', (_, more, problem) => {
    expect(attempt(more)).toThrow(problem);
  });
});

describe('masks of which nobody said whether Kafka gets them', () => {
  const started = (env: Record<string, string>, spec = SPEC) => {
    const log = pino({ level: 'silent' });
    const warn = vi.spyOn(log, 'warn');
    const { masksDocuments } = readConfig(env).capture;
    const masks = captureMasks({ ...maskOptions, spec, masksDocuments }, log);
    return { isMasked: masks !== undefined, warnings: warn.mock.calls.flat() };
  };

  it('are warned of', () => {
    const { isMasked, warnings } = started({});
    expect(isMasked).toBe(false);
    expect(warnings).toEqual([
      expect.stringMatching(/gets all in clear. Set MASK_CAPTURE=true .* or MASK_CAPTURE=false/),
    ]);
    expect(started({ MASK_CAPTURE: 'false' })).toEqual({ isMasked: false, warnings: [] });
    expect(started({}, CLEAR)).toEqual({ isMasked: false, warnings: [] });
    expect(started({ MASK_CAPTURE: 'true' })).toEqual({ isMasked: true, warnings: [] });
  });
});
