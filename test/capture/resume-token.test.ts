import { BSON, Timestamp } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { readEvent } from '../../src/capture/change-event.js';
import { changeIdOf, timeInToken, timeOf, tokenOfChange, wentBack } from '../../src/capture/resume-token.js';

const MONGODB = '82650000000000000100';
/** As Amazon DocumentDB's documentation shows it. */
const DOCUMENTDB = '015daf94f600000002010000000200009025';
/** A BSON document of 130 bytes, in hex: it begins as a token of MongoDB does. */
const BSON_DOCUMENT = '820000001073000700000011740001000000';

const event = (token: string, clusterTime?: Timestamp) =>
  readEvent(BSON.serialize({ _id: { _data: token }, operationType: 'insert', ...(clusterTime && { clusterTime }) }));
const at = (token: string, clusterTime: string) => ({ version: 1, token, clusterTime }) as const;

describe('timeInToken', () => {
  it.each([
    [MONGODB, '6500000000000001'],
    [DOCUMENTDB, undefined],
    [BSON_DOCUMENT, undefined],
    ['', undefined],
  ])('is in %s %s', (token, time) => {
    expect(timeInToken(token)).toBe(time);
  });
});

it.each([
  [MONGODB, '6500000000000001', MONGODB],
  [DOCUMENTDB, '5DAF94F600000002', `825DAF94F600000002${DOCUMENTDB}`],
  [BSON_DOCUMENT, '5DAF94F600000002', `825DAF94F600000002${BSON_DOCUMENT}`],
])('a change with the token %s has the cluster time %s and the change id %s', (token, time, id) => {
  const change = event(token, new Timestamp({ t: 0x5daf94f6, i: 2 }));
  expect([timeOf(change), changeIdOf(change)]).toEqual([time, id]);
});

it('a change whose time no one tells has its token as its change id', () => {
  expect([timeOf(event(DOCUMENTDB)), changeIdOf(event(DOCUMENTDB))]).toEqual([undefined, DOCUMENTDB]);
});

describe('tokenOfChange', () => {
  // Time, version, type, index in a transaction, whether of an invalidation, and the collection.
  const START = '8265000000000000012B042C0100296E5A1004A5093ABB38FE4B9EA67F01BB1A96D812';
  const UPDATE = `${START}463C6F7065726174696F6E54797065003C7570646174650046646F63756D656E744B65790046`;
  const ID = '645F69640064650000000000000000000001';

  it.each([
    ['of a change', `${UPDATE}${ID}000004`, `${UPDATE}${ID}000004`],
    ['of a first fragment', `${UPDATE}${ID}00002904`, `${UPDATE}${ID}000004`],
    ['of a second one', `${UPDATE}${ID}00002B0204`, `${UPDATE}${ID}000004`],
    ['of an eleventh one', `${UPDATE}${ID}00002B1404`, `${UPDATE}${ID}000004`],
    ['between changes', '8265000000000000012B0429296E1404', '8265000000000000012B0429296E1404'],
    ['of DocumentDB', DOCUMENTDB, DOCUMENTDB],
    ['of a server with BSON documents', `${BSON_DOCUMENT}002904`, `${BSON_DOCUMENT}002904`],
  ])('is, of a token %s, that of the whole', (_, token, whole) => {
    expect(tokenOfChange(token)).toBe(whole);
  });

  it('changes no token of which the identifier ends as a fragment', () => {
    expect(tokenOfChange(`${UPDATE}1E5F6964002B000004`)).toBe(`${UPDATE}1E5F6964002B000004`);
    expect(tokenOfChange(`${UPDATE}1E5F69640029000004`)).toBe(`${UPDATE}1E5F69640029000004`);
  });
});

describe('wentBack', () => {
  const early = '5DAF94F600000002';
  const late = '5DAF94F600000003';

  it('compares tokens of MongoDB', () => {
    expect(wentBack(at('8265000000000000010A', late), at('8265000000000000010B', early))).toBeUndefined();
    expect(wentBack(at('8265000000000000010B', early), at('8265000000000000010A', late))).toMatch(
      /back from 826500000000000001… to 826500000000000001…/,
    );
  });

  it('takes all positions after a change as one, however it was cut', () => {
    expect(wentBack(at('8265000000000000010B002B0404', late), at('8265000000000000010A0004', late))).toMatch(/back/);
    expect(wentBack(at('8265000000000000010B002B0404', late), at('8265000000000000010B0004', late))).toBeUndefined();
  });

  it.each([
    ['DocumentDB', '01ff', '0100'],
    ['a server with BSON documents', BSON_DOCUMENT, `810${BSON_DOCUMENT.slice(3)}`],
  ])('compares the times of those of %s, however they sort', (_, former, latter) => {
    expect(wentBack(at(former, early), at(latter, late))).toBeUndefined();
    expect(wentBack(at(former, early), at(latter, early))).toBeUndefined();
    expect(wentBack(at(latter, late), at(former, early))).toMatch(/from 5DAF94F600000003 to 5DAF94F600000002/);
  });
});
