/** Messages that could not become rows: which, why, at which byte, and what would mend them. */
import { useEffect, useState } from 'preact/hooks';
import type { About } from '../../src/http/snapshot.js';
import { Bytes } from '../common/bytes.js';
import { fromBase64 } from './api.js';
import { count } from './format.js';
import { TryMessage } from './try-message.js';
import { useQuery } from './use-query.js';

const LIST = `SELECT partition_id, message_offset, reason, column_name, byte_position, octet_length(value) AS bytes,
  kafka_timestamp::TIMESTAMP(0)::VARCHAR AS time
FROM sluice.quarantine ORDER BY kafka_timestamp DESC NULLS LAST, partition_id, message_offset DESC LIMIT 100`;
const COUNT = 'SELECT count(*) FROM sluice.quarantine';
/** More is not shown, nor tried. */
const MAX_BYTES = 1 << 20;

interface Quarantined {
  readonly partition: number;
  readonly offset: number;
  readonly reason: string;
  readonly column: string | null;
  readonly position: number | null;
  readonly bytes: number | null;
  readonly time: string | null;
}

export function QuarantineView({ about }: { readonly about: About }) {
  const { table, problem, again } = useQuery(LIST);
  const all = useQuery(COUNT);
  const messages = (table?.rows ?? []).map(quarantined);
  const [chosen, choose] = useState<string>();
  const message = messages.find((candidate) => idOf(candidate) === chosen) ?? messages[0];
  if (problem !== undefined)
    return (
      <p class="bad" role="alert">
        {problem}
      </p>
    );
  if (table === undefined) return <p>Asking …</p>;
  if (message === undefined) return <p>No message is in quarantine.</p>;
  return (
    <>
      <p>
        {count(Number(all.table?.rows[0][0] ?? messages.length))} messages could not become rows; they are kept in{' '}
        <code>sluice.quarantine</code>, byte for byte.{' '}
        <button type="button" onClick={again}>
          Refresh
        </button>
      </p>
      <label class="field">
        Message (the last {messages.length})
        <select value={idOf(message)} onChange={(event) => choose(event.currentTarget.value)}>
          {messages.map((each) => (
            <option key={idOf(each)} value={idOf(each)}>
              {each.reason}
              {each.column === null ? '' : ` ${each.column}`}: partition {each.partition}, offset {each.offset}
            </option>
          ))}
        </select>
      </label>
      <Message key={idOf(message)} message={message} about={about} />
    </>
  );
}

function quarantined([partition, offset, reason, column, position, bytes, time]: readonly unknown[]): Quarantined {
  return { partition, offset, reason, column, position, bytes, time } as Quarantined;
}

const idOf = ({ partition, offset }: Quarantined) => `${partition}:${offset}`;

function Message({ message, about }: { readonly message: Quarantined; readonly about: About }) {
  const { partition, offset, reason, column, position, bytes, time } = message;
  const { table, problem } = useQuery(
    `SELECT base64(value[1:${MAX_BYTES}]), base64(key[1:${MAX_BYTES}]) FROM sluice.quarantine
     WHERE partition_id = ${partition} AND message_offset = ${offset}`,
  );
  const [value, setValue] = useState<Uint8Array | null>();
  useEffect(() => {
    const [text] = (table?.rows[0] ?? [undefined]) as (string | null | undefined)[];
    if (text !== undefined) setValue(text === null ? null : fromBase64(text));
  }, [table]);
  if (problem !== undefined)
    return (
      <p class="bad" role="alert">
        {problem}
      </p>
    );
  if (value === undefined) return <p>Asking …</p>;
  const isWhole = (bytes ?? 0) <= MAX_BYTES;
  return (
    <div class="columns">
      <section aria-label="The message">
        <h2>The message</h2>
        <dl class="facts">
          <dt>reason</dt>
          <dd>
            <code class="bad">{reason}</code>
            {column !== null && (
              <>
                : <code>{column}</code>
              </>
            )}
          </dd>
          <dt>where</dt>
          <dd>
            partition {partition}, offset {offset}
            {time !== null && `, ${time} UTC`}
          </dd>
        </dl>
        {value === null ? (
          <p>It has no value: it is a tombstone.</p>
        ) : (
          <Bytes bytes={value} mark={position === null || position < 0 ? undefined : position} />
        )}
      </section>
      <section aria-label="Try it against the table spec">
        <h2>Try it against the table spec</h2>
        {about.noTrying !== null && <p>{about.noTrying}.</p>}
        {!isWhole && <p>It is too large to be tried here.</p>}
        {about.noTrying === null && isWhole && (
          <TryMessage value={value ?? new Uint8Array()} messageKey={(table?.rows[0][1] ?? null) as string | null} />
        )}
      </section>
    </div>
  );
}
