/** What is worth knowing of offsets that were left out, or read again: SQL with a note per row. */

const time = (column: string) => `strftime(${column}, '%Y-%m-%d %H:%M:%S UTC')`;

/** Whether an operator made a gap, of which `sluice.resets` has a row. */
const IS_OF_RESET = `EXISTS (FROM sluice.resets r
  WHERE r.partition_id = b.partition_id AND from_offset = start_offset AND to_offset = next_offset)`;

/** @param hasResets whether `sluice reset` ever moved a position: only then the database has its table */
export function gapNotes(hasResets: boolean): string {
  const lost = `SELECT partition_id, start_offset AS place, format(
      'partition {}: offsets {} to {} were gone from Kafka before they were read, found {}',
      partition_id, start_offset, next_offset, ${time('committed_at')}) AS note
    FROM sluice.batches b WHERE kind = 'gap' ${hasResets ? `AND NOT ${IS_OF_RESET}` : ''}`;
  const skipped = `SELECT partition_id, start_offset AS place, format(
      'partition {}: offsets {} to {} were not read: an operator went past them with "sluice reset", {}',
      partition_id, start_offset, next_offset, ${time('committed_at')}) AS note
    FROM sluice.batches b WHERE kind = 'gap' AND ${IS_OF_RESET}`;
  const back = `SELECT partition_id, to_offset AS place, format(
      'partition {}: an operator went back from {} to {} with "sluice reset --to {}", {}: {} rows were removed',
      partition_id, from_offset, to_offset, asked, ${time('reset_at')}, rows_removed) AS note
    FROM sluice.resets WHERE to_offset < from_offset`;
  const notes = hasResets ? [lost, skipped, back] : [lost];
  return `SELECT note FROM (${notes.join(' UNION ALL ')}) ORDER BY partition_id, place`;
}
