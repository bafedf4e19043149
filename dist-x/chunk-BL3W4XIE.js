import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/kafka/kafka-properties.ts
var PREFETCH_KIB = 8 << 10;
function consumerProperties(options) {
  return {
    "client.id": "sluice",
    "queued.min.messages": 1e5,
    "queued.max.messages.kbytes": PREFETCH_KIB,
    "fetch.message.max.bytes": 4 << 20,
    "fetch.wait.max.ms": 100,
    "fetch.queue.backoff.ms": 50,
    "socket.nagle.disable": true,
    "reconnect.backoff.max.ms": 2e3,
    // Partitions that are added to the topic are seen after this long; the client's own five minutes look like lag 0.
    "topic.metadata.refresh.interval.ms": 3e4,
    // How long the partitions of a static member wait for it when it is gone. Heartbeats have their own thread.
    "session.timeout.ms": 1e4,
    "group.instance.id": options.instanceId,
    ...options.properties,
    "metadata.broker.list": options.brokers,
    "group.id": options.groupId,
    "partition.assignment.strategy": "range",
    "enable.auto.commit": false,
    "enable.auto.offset.store": false,
    "enable.partition.eof": true,
    "isolation.level": "read_committed"
  };
}

export {
  consumerProperties
};
//# sourceMappingURL=chunk-BL3W4XIE.js.map
