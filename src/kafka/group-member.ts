/**
 * This process as a member of the group. A topic that is read as a whole has the eager protocol, in which all
 * partitions are taken and given at once; a shared one the cooperative protocol, in which those that stay are not
 * mentioned. The client wants other calls for each.
 */
import { setImmediate } from 'node:timers/promises';
import kafka, { type Assignment, type KafkaConsumer, type LibrdKafkaError } from '@confluentinc/kafka-javascript';
import type { AssignmentChange, ReadPosition } from '../core/source.js';

const { ERR__ASSIGN_PARTITIONS, ERR__REVOKE_PARTITIONS } = kafka.CODES.ERRORS;
const RELEASE_TIMEOUT_MS = 5_000;
const RELEASE_POLL_MS = 20;

/** What the client has, but its typings do not. */
interface Client extends KafkaConsumer {
  assignmentLost(): boolean;
  incrementalAssign(partitions: readonly Assignment[]): void;
  incrementalUnassign(partitions: readonly Assignment[]): void;
}

export class GroupMember {
  readonly #consumer: Client;
  readonly #topic: string;
  readonly #isCooperative: boolean;
  /** Those that nobody has asked for yet. */
  readonly #changes: AssignmentChange[] = [];
  /** The one that was asked for, and is not answered yet. */
  #pending: AssignmentChange | undefined;
  /** The group gave partitions, and has not taken them back. */
  #isHolding = false;
  readonly #held = new Set<number>();
  /** What the client was told to read. */
  readonly #read = new Set<number>();
  #isLeaving = false;

  constructor(consumer: KafkaConsumer, topic: string, isCooperative: boolean) {
    this.#consumer = consumer as Client;
    this.#topic = topic;
    this.#isCooperative = isCooperative;
  }

  /** The group has something to say. */
  get hasChanges(): boolean {
    return this.#changes.length > 0;
  }

  /** The partitions that are read. */
  get partitions(): ReadonlySet<number> {
    return this.#read;
  }

  pollChange(): AssignmentChange | undefined {
    const change = this.#changes.shift();
    this.#pending = change ?? this.#pending;
    return change;
  }

  /** What the client's callback says. @returns false if that is an error */
  onRebalance({ code }: LibrdKafkaError, assignment: readonly Assignment[]): boolean {
    if (code !== ERR__ASSIGN_PARTITIONS && code !== ERR__REVOKE_PARTITIONS) return false;
    const partitions = assignment.map(({ partition }) => partition).sort((a, b) => a - b);
    const isAssigned = code === ERR__ASSIGN_PARTITIONS;
    for (const partition of partitions) isAssigned ? this.#held.add(partition) : this.#held.delete(partition);
    // The eager protocol takes back an assignment without partitions, too.
    this.#isHolding = this.#held.size > 0 || (isAssigned && !this.#isCooperative);
    const change: AssignmentChange = isAssigned
      ? { kind: 'assigned', partitions }
      : { kind: 'revoked', partitions, lost: this.#consumer.assignmentLost() };
    if (!this.#isLeaving) this.#changes.push(change);
    else if (this.#consumer.isConnected()) this.#refuse(change);
    return true;
  }

  /** Reads these, too; those that are read already start over. */
  assign(positions: readonly ReadPosition[]): void {
    const isAnswer = this.#pending !== undefined;
    this.#pending = undefined;
    const toppars = positions.map(({ partition, nextOffset, leaderEpoch }) => {
      return { topic: this.#topic, partition, offset: nextOffset, ...(leaderEpoch !== undefined && { leaderEpoch }) };
    });
    if (this.#isCooperative) {
      const again = positions.map(({ partition }) => partition).filter((partition) => this.#read.has(partition));
      if (again.length > 0) this.#consumer.incrementalUnassign(this.#toppars(again));
      if (isAnswer || toppars.length > 0) this.#consumer.incrementalAssign(toppars);
    } else {
      this.#consumer.assign(toppars);
      this.#read.clear();
    }
    for (const { partition } of positions) this.#read.add(partition);
  }

  unassign(partitions: readonly number[]): void {
    this.#pending = undefined;
    if (this.#isCooperative) {
      const read = partitions.filter((partition) => this.#read.has(partition));
      this.#consumer.incrementalUnassign(this.#toppars(read));
      for (const partition of read) this.#read.delete(partition);
    } else {
      this.#consumer.unassign();
      this.#read.clear();
    }
  }

  /**
   * Leaves the group while the client is whole. Left to `disconnect`, what the group says would be answered on this
   * thread while another one destroys the client, which now and then ends the process with a segmentation fault; and an
   * assignment that nobody has polled for yet cannot be answered any more then.
   */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    if (this.#consumer.subscription().length === 0) return;
    const unanswered = this.#pending ?? this.#changes[0];
    // The client says nothing more before it has an answer.
    if (unanswered !== undefined) this.#refuse(unanswered);
    const overdueMs = performance.now() + RELEASE_TIMEOUT_MS;
    this.#consumer.unsubscribe();
    this.#consumer.setDefaultConsumeTimeout(RELEASE_POLL_MS);
    // Callbacks are served by polling. What else comes is not delivered to anyone: the sink has the positions.
    do {
      await new Promise<void>((resolve) => this.#consumer.consume(1, () => resolve()));
      // What the client said during the call may reach this thread after the call's own answer.
      await setImmediate();
    } while (this.#isHolding && performance.now() < overdueMs);
  }

  /** Answers a change without reading anything more. */
  #refuse(change: AssignmentChange): void {
    if (!this.#isCooperative) {
      this.#consumer.unassign();
      // What the eager protocol gives to a member that leaves, it does not take back.
      this.#isHolding = false;
    } else if (change.kind === 'assigned') {
      this.#consumer.incrementalAssign([]);
    } else {
      this.unassign(change.partitions);
    }
  }

  #toppars(partitions: readonly number[]): Assignment[] {
    return partitions.map((partition) => ({ topic: this.#topic, partition }));
  }
}
