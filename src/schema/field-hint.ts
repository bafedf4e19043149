/** What a schema says of a field that a sample of its values does not tell. */
import type { Encoding, Kind, TimeUnit } from './spec.js';

export interface FieldHint {
  readonly kind: Kind;
  readonly unit?: TimeUnit;
  /** An amount whose text as it came is worth a column. */
  readonly raw?: boolean;
  readonly encoding?: Encoding;
  readonly scale?: number;
  readonly precision?: number;
  /** What a person should look at. */
  readonly doubt?: string;
  /** Whether values tell more, if there are any: texts can be times. */
  readonly isWeak?: boolean;
  /** Whether numbers can have a fraction, though those of the sample have none. */
  readonly isFraction?: boolean;
}

/** @param names of a field of the value, from the top inwards @returns undefined if the schema does not tell */
export type HintOf = (names: readonly string[]) => FieldHint | undefined;
