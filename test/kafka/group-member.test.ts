/** Several members of a group that share a topic, with both readers. */
import kafka from '@confluentinc/kafka-javascript';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Chunk } from '../../src/core/chunk.js';
import type { AssignmentChange } from '../../src/core/source.js';
import { KafkaSource } from '../../src/kafka/kafka-source.js';
import { PackedReader } from '../../src/kafka/packed-reader.js';
import { silent } from '../support/fakes.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, growTopic, produce } from '../support/produce.js';

const addonIsPacked = PackedReader.isSupported(new kafka.KafkaConsumer({ 'group.id': 'probe' }, {}));
const LONG = { timeout: 120_000 };
const PARTITIONS = 6;
const SESSION_MS = 6000;
/** How long a member without messages keeps the others waiting, and where a test lets time pass. */
const [SHORT_MS, WAIT_MS] = [2, 20];
/** A member that does not poll for this long loses its partitions. */
const MAX_POLL_MS = { calm: 300_000, hasty: SESSION_MS };

/** What a sink would have: the offsets that were committed of each partition, in the order of their commits. */
class Committed {
  readonly #offsets = new Map<number, number[]>();
  readonly #owners = new Map<number, Member>();

  claim(partition: number, owner: Member): void {
    this.#owners.set(partition, owner);
  }
  /** Of a member that has lost the partition without knowing it, nothing is taken. */
  add(partition: number, owner: Member, offsets: readonly number[]): void {
    if (this.#owners.get(partition) === owner) this.#offsets.set(partition, [...this.of(partition), ...offsets]);
  }
  of(partition: number): readonly number[] {
    return this.#offsets.get(partition) ?? [];
  }
  nextOffset(partition: number): number {
    return (this.of(partition).at(-1) ?? -1) + 1;
  }
}

/** A member that does what the pipeline does, in small. */
class Member {
  readonly source: KafkaSource;
  readonly changes: AssignmentChange[] = [];
  readonly #committed: Committed;
  /** What was read and is not committed yet: partition → offsets. */
  readonly #open = new Map<number, number[]>();

  private constructor(source: KafkaSource, committed: Committed) {
    this.source = source;
    this.#committed = committed;
  }

  static async join(
    committed: Committed,
    options: Pick<ConstructorParameters<typeof KafkaSource>[0], 'brokers' | 'topic' | 'instanceId' | 'reader'>,
    kind: keyof typeof MAX_POLL_MS,
  ): Promise<Member> {
    const properties = {
      'session.timeout.ms': `${SESSION_MS}`,
      'max.poll.interval.ms': `${MAX_POLL_MS[kind]}`,
      'heartbeat.interval.ms': '200',
      'topic.metadata.refresh.interval.ms': '500',
    };
    const source = new KafkaSource({ ...options, groupId: options.topic, properties, isShared: true }, silent);
    onTestFinished(() => source.close());
    await source.start();
    return new Member(source, committed);
  }

  /** The partitions that it reads. */
  get partitions(): number[] {
    return [...this.#open.keys()].sort((a, b) => a - b);
  }

  /** Answers what the group says, and reads once. */
  async step(waitMs = SHORT_MS): Promise<void> {
    for (let change = this.source.pollAssignment(); change; change = this.source.pollAssignment()) this.answer(change);
    await this.read(waitMs);
  }

  answer(change: AssignmentChange): void {
    this.changes.push(change);
    const { partitions } = change;
    if (change.kind === 'revoked') {
      for (const partition of partitions) {
        if (!change.lost) this.#commit(partition);
        this.#open.delete(partition);
      }
      this.source.unassign(partitions);
    } else {
      for (const partition of partitions) {
        this.#committed.claim(partition, this);
        this.#open.set(partition, []);
      }
      this.source.assign(
        partitions.map((partition) => {
          return { partition, nextOffset: this.#committed.nextOffset(partition), leaderEpoch: undefined };
        }),
      );
    }
  }

  /** Few bytes at a time: a reader holds back most of what it has. */
  async read(waitMs = SHORT_MS): Promise<void> {
    const chunk = new Chunk(undefined, 64);
    const fill = await this.source.fill(chunk, waitMs);
    if (fill.kind !== 'rows') return;
    const open = this.#open.get(fill.partition);
    expect(open, `partition ${fill.partition} is held`).toBeDefined();
    open!.push(...Array.from(chunk.views.offsets.subarray(0, chunk.rows), Number));
    if (open!.length > 20) this.#commit(fill.partition);
  }

  commitAll(): void {
    for (const partition of this.#open.keys()) this.#commit(partition);
  }

  #commit(partition: number): void {
    this.#committed.add(partition, this, this.#open.get(partition) ?? []);
    this.#open.set(partition, []);
  }
}

/** Steps members in turn until it is so. */
async function stepUntil(members: readonly Member[], isSo: () => boolean): Promise<void> {
  for (let round = 0; !isSo(); round++) {
    expect(round, 'rounds in vain').toBeLessThan(30_000);
    for (const member of members) await member.step();
  }
}

const held = (members: readonly Member[]) => members.flatMap(({ partitions }) => partitions).length;

describeKafka('a shared topic', (bootstrap) => {
  describe.each(addonIsPacked ? (['stock', 'packed'] as const) : (['stock'] as const))('%s', LONG, (reader) => {
    async function openTopic(partitions = PARTITIONS) {
      const topic = uniqueTopic(`shared-${reader}`);
      await createTopic(bootstrap(), topic, partitions);
      const committed = new Committed();
      const ends = new Array<number>(partitions).fill(0);
      return {
        topic,
        committed,
        join: (instanceId: string, kind: keyof typeof MAX_POLL_MS = 'calm') =>
          Member.join(committed, { brokers: bootstrap(), topic, instanceId, reader }, kind),
        /** Appends as many messages to each of these partitions. */
        append: async (count: number, ...numbers: readonly number[]) => {
          for (const number of numbers) ends[number] = (ends[number] ?? 0) + count;
          const one = numbers.map((partition) => ({ partition, value: 'twenty bytes of text' }));
          await produce(bootstrap(), topic, Array.from({ length: count }, () => one).flat());
        },
        /** Reads on until all is committed: each message once, and in order. */
        finish: async (members: readonly Member[]) => {
          const isRead = () => {
            for (const member of members) member.commitAll();
            return ends.every((end, partition) => committed.of(partition).length >= end);
          };
          await stepUntil(members, isRead);
          for (const [partition, end] of ends.entries()) {
            expect(committed.of(partition)).toEqual(Array.from({ length: end }, (_, offset) => offset));
          }
        },
      };
    }
    const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition);

    it('is read once and in order while members come and go', async () => {
      const { join, append, finish } = await openTopic();
      await append(300, ...ALL);
      const members = [await join('one')];
      await stepUntil(members, () => held(members) === PARTITIONS);
      for (const name of ['two', 'three']) {
        await append(300, ...ALL);
        members.push(await join(name));
        await stepUntil(members, () => members.every(({ partitions }) => partitions.length === 6 / members.length));
      }
      // What a member gives up is less than what it has: the others stay.
      const revoked = members[0].changes.filter(({ kind }) => kind === 'revoked');
      expect(revoked.map(({ partitions }) => partitions.length)).toEqual([3, 1]);
      await append(300, ...ALL);
      const leaving = members.splice(1, 1)[0];
      for (let steps = 0; steps < 10; steps++) await leaving.step(WAIT_MS);
      leaving.commitAll();
      await leaving.source.close();
      await stepUntil(members, () => held(members) === PARTITIONS);
      await finish(members);
    });

    it('leaves partitions that stay as they are while others move', async () => {
      const { join, append, committed, finish } = await openTopic(2);
      const one = await join('one');
      await append(50, 0, 1);
      await stepUntil([one], () => one.partitions.length === 2 && committed.of(1).length > 20);
      const two = await join('two');
      let change: AssignmentChange | undefined;
      for (let round = 0; change?.kind !== 'revoked'; round++) {
        expect(round, 'rounds in vain').toBeLessThan(10_000);
        await one.read();
        await two.step();
        change = one.source.pollAssignment();
        if (change?.kind === 'assigned') one.answer(change);
      }
      expect(change.partitions).toHaveLength(1);
      const [taken] = change.partitions;
      const stays = 1 - taken;
      // While the partition is not given up yet, nobody else has it.
      await append(100, stays);
      for (let steps = 0; steps < 10; steps++) await two.step(WAIT_MS);
      expect(two.partitions).toEqual([]);
      one.answer(change);
      await stepUntil([one, two], () => two.partitions.length === 1);
      expect(one.changes.filter(({ kind }) => kind === 'revoked')).toEqual([change]);
      await finish([one, two]);
    });

    it('tells a member that stood still what it has lost', async () => {
      const { join, append, finish } = await openTopic();
      await append(100, ...ALL);
      const [one, two] = [await join('one', 'hasty'), await join('two')];
      await stepUntil([one, two], () => one.partitions.length === 3 && two.partitions.length === 3);
      const lost = one.partitions;
      await append(100, ...ALL);
      for (let steps = 0; steps < 5; steps++) await one.step(WAIT_MS);
      // The other one takes everything over.
      await stepUntil([two], () => two.partitions.length === PARTITIONS);
      await stepUntil([one, two], () => one.partitions.length === 3 && two.partitions.length === 3);
      expect(one.changes).toContainEqual({ kind: 'revoked', partitions: lost, lost: true });
      await finish([one, two]);
    });

    it('gives partitions that were added to one of its members', async () => {
      const { topic, join, append, finish } = await openTopic();
      await append(100, ...ALL);
      const members = [await join('one'), await join('two')];
      await stepUntil(members, () => members.every(({ partitions }) => partitions.length === 3));
      await growTopic(bootstrap(), topic, 8);
      await stepUntil(members, () => held(members) === 8);
      await append(100, 0, 6, 7);
      await finish(members);
      for (const { changes } of members) expect(changes.at(-1)).toMatchObject({ kind: 'assigned' });
    });

    it('is looked at beside the reading of it', async () => {
      const { join, append, committed, finish } = await openTopic(2);
      await append(50, 0, 1);
      const one = await join('one');
      await stepUntil([one], () => one.partitions.length === 2 && committed.of(0).length > 20);
      const inspected = one.source.inspect([{ partition: 1, nextOffset: 30, leaderEpoch: 0 }], [1]);
      await append(50, 0);
      await stepUntil([one], () => committed.of(0).length > 80);
      expect(await inspected).toMatchObject([{ partition: 1, low: 0, high: 50, truncated: false }]);
      await finish([one]);
    });

    it('is let go of by a member that was never asked what the group has given it', async () => {
      const { join, append, finish } = await openTopic();
      await append(10, ...ALL);
      const one = await join('one');
      const isGiven = async () => {
        const members = await one.source.groupMembers();
        return members.some(({ partitions }) => partitions === PARTITIONS);
      };
      await vi.waitUntil(isGiven, { timeout: 30_000, interval: 100 });
      // An answer that comes too late is thrown by the client, and found by the test as an unhandled error.
      await one.source.close();
      const two = await join('two');
      await stepUntil([two], () => two.partitions.length === PARTITIONS);
      await finish([two]);
    });

    it('is let go of, whatever was not answered', async () => {
      const { join, append, finish } = await openTopic();
      await append(10, ...ALL);
      const one = await join('one');
      await stepUntil([one], () => one.partitions.length === PARTITIONS);
      const two = await join('two');
      // One of them is asked to give partitions up when it leaves, the other is given some.
      for (let rounds = 0; rounds < 100; rounds++) await Promise.all([one.read(WAIT_MS), two.read(WAIT_MS)]);
      one.commitAll();
      await one.source.close();
      const three = await join('three');
      await stepUntil([two, three], () => held([two, three]) === PARTITIONS);
      two.source.pollAssignment();
      await two.source.close();
      await stepUntil([three], () => three.partitions.length === PARTITIONS);
      await finish([three]);
    });
  });
});
