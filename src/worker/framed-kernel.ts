/** The kernel on messages behind the frames of a registry. */
import type { BatchTask } from '../core/flow.js';
import type { Kernel } from '../kernel/kernel.js';
import type { KernelOutput } from '../kernel/kernel-instance.js';
import type { FramedMessages } from '../registry/framed-messages.js';

/** As `Kernel.read`, with the task's schemas. @throws as it */
export function readFramed(
  kernel: Kernel,
  framed: FramedMessages,
  task: Pick<BatchTask, 'partition' | 'chunks' | 'schemas' | 'keySchemas'>,
): KernelOutput {
  framed.begin(task);
  const output = kernel.read(task.partition, task.chunks, (chunk) => framed.read(task.chunks[chunk], chunk));
  return withReasons(output, framed);
}

/** The output with what the kernel could not know of the messages that it rejects. */
function withReasons(output: KernelOutput, framed: FramedMessages): KernelOutput {
  const counts = { ...output.counts };
  const rejects = output.rejects.map((reject) => {
    const reason = framed.reason(reject.chunk, reject.row);
    if (reason === undefined) return framed.keepsPositions ? reject : { ...reject, position: -1 };
    counts[reject.status]--;
    counts[reason.status]++;
    return { ...reject, ...reason };
  });
  return { ...output, counts, rejects };
}
