/** Columns with several paths: which of them has a row's value. Further paths have the slots after those of columns. */
import { HEADER, KIND, SLOT, SLOTS, SPEC_COLUMN } from './abi';
import { fieldOf, rowsOfKinds, slotsOf } from './block';

/** Gives each column the value of the first of its alternatives that a row has, in these rows of the block. */
export function takeAlternatives(rows: u64): void {
  const slotCount = load<u32>(HEADER.slotCount);
  for (let slot = load<u32>(HEADER.specColumnCount); slot < slotCount; slot++) {
    const to = slotsOf(load<u8>(fieldOf(slot), SPEC_COLUMN.column));
    const from = slotsOf(slot);
    const isMissing = rowsOfKinds(to, KIND.MISSING, KIND.MISSING);
    let taking = rows & isMissing & ~rowsOfKinds(from, KIND.MISSING, KIND.MISSING);
    for (; taking; taking &= taking - 1) moveSlot(from, <usize>ctz(taking), to, <usize>ctz(taking));
  }
}

/** Copies what is in a row of some slots. */
@inline
export function moveSlot(from: usize, fromRow: usize, to: usize, toRow: usize): void {
  store<u64>(to + toRow * SLOT.size, load<u64>(from + fromRow * SLOT.size));
  store<u8>(to + toRow, load<u8>(from + fromRow, SLOTS.kinds), SLOTS.kinds);
}

/** The slots from which these columns took their values, a bit each. @param present the slots that the row has */
export function sourcesOf(columns: u64, present: u64): u64 {
  const slotCount = load<u32>(HEADER.slotCount);
  let sources = columns & present;
  let left = columns & ~present;
  for (let slot = load<u32>(HEADER.specColumnCount); slot < slotCount; slot++) {
    const column = (<u64>1) << <u64>load<u8>(fieldOf(slot), SPEC_COLUMN.column);
    if (!(left & column) || !((present >> slot) & 1)) continue;
    left ^= column;
    sources |= (<u64>1) << slot;
  }
  return sources;
}
