/** The part of a consumer that copies messages into columns: no JavaScript, and no object per message. */
#ifndef SRC_PACKED_CONSUMER_H_
#define SRC_PACKED_CONSUMER_H_

#include <nan.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "rdkafka.h"
#include "rdkafkacpp.h"

namespace NodeKafka {

/** A typed array of the caller. The store keeps the memory alive while a pool thread writes to it. */
template <typename T>
struct PackedColumn {
  std::shared_ptr<v8::BackingStore> store;
  T* data = nullptr;
  size_t length = 0;  // elements
};

/**
 * Messages of one partition as columns, in the layout of Arrow's Binary type: value i is the bytes
 * [value_offsets[i], value_offsets[i + 1]) of values, and bit i of value_validity tells an empty value from none.
 */
struct PackedColumns {
  PackedColumn<uint8_t> values, value_validity, keys, key_validity;
  PackedColumn<int32_t> value_offsets, key_offsets;
  PackedColumn<int64_t> offsets, timestamps;  // milliseconds since the epoch, -1 for none
  uint32_t max_rows = 0;
  std::string value_header, key_header;  // their bytes are put before the value and the key; empty for none
};

/** What one call did. */
struct PackedResult {
  enum Kind {
    kIdle,      // nothing came within the timeout
    kRows,      // rows were written
    kEnd,       // the partition is read up to `offset`
    kOversize,  // the next message needs columns of value_bytes and key_bytes
    kError
  };
  Kind kind = kIdle;
  std::string topic;
  int32_t partition = -1;
  uint32_t rows = 0;
  size_t value_bytes = 0;
  size_t key_bytes = 0;
  int32_t leader_epoch = -1;  // of the last row, -1 if it has none
  int64_t offset = -1;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string error_text;
};

/**
 * Takes messages from the consumer's queue in blocks. What does not belong in the columns of a call (a message of
 * another partition or without space, an error after rows) is kept for the next call.
 *
 * A kept message counts as delivered for librdkafka's offset store: `enable.auto.offset.store` must be false.
 */
class PackedConsumer {
 public:
  ~PackedConsumer() { Close(); }

  /** Fills the columns. Called on a pool thread; waits at most timeout_ms for the first message. */
  PackedResult Fill(rd_kafka_t* client, const PackedColumns& columns, int timeout_ms);

  /** Drops the kept messages, as librdkafka drops what it has queued. Call it before assign and unassign. */
  void ForgetAll();

  /** Drops the kept messages of these partitions. Call it before they are unassigned or sought. */
  void Forget(const std::vector<RdKafka::TopicPartition*>& partitions);
  void Forget(const RdKafka::TopicPartition& partition);

  /** Call it before the client is closed, which waits for its messages. */
  void Close();

 private:
  struct Forgotten {
    uint32_t epoch;
    bool all;
    std::string topic;
    int32_t partition;
  };

  bool Take(rd_kafka_t* client, size_t wanted, int timeout_ms);
  void DropForgotten();
  bool IsForgotten(const rd_kafka_message_t* message) const;
  void DestroyHead();

  std::mutex m_fill_lock;  // held for the whole of a call
  rd_kafka_queue_t* m_queue = nullptr;
  std::vector<rd_kafka_message_t*> m_messages;
  size_t m_head = 0;
  uint32_t m_taken_epoch = 0;  // of the newest block in m_messages

  std::mutex m_forget_lock;  // never held while waiting for messages
  uint32_t m_epoch = 0;
  std::vector<Forgotten> m_forgotten;
};

}  // namespace NodeKafka

#endif  // SRC_PACKED_CONSUMER_H_
