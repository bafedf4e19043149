#include "src/packed-consumer.h"

#include <algorithm>
#include <cstring>

namespace NodeKafka {

namespace {

/** Messages taken from librdkafka at a time. */
const size_t kBlockMessages = 512;

struct Prefix {
  const void* data = nullptr;
  size_t length = 0;
};

void SetBit(uint8_t* bits, uint32_t index, bool on) {
  const uint8_t mask = static_cast<uint8_t>(1u << (index & 7));
  if (on)
    bits[index >> 3] |= mask;
  else
    bits[index >> 3] &= static_cast<uint8_t>(~mask);
}

void CopyBytes(uint8_t* to, const void* from, size_t length) {
  if (length > 0) std::memcpy(to, from, length);
}

/** The header that goes before a part of the message. None if it has no such part, or no such header. */
Prefix PrefixOf(const std::string& name, const void* part, const rd_kafka_message_t* message) {
  Prefix prefix;
  rd_kafka_headers_t* headers = nullptr;
  if (name.empty() || !part) return prefix;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return prefix;
  rd_kafka_header_get_last(headers, name.c_str(), &prefix.data, &prefix.length);
  return prefix;
}

Prefix ValuePrefix(const PackedColumns& columns, const rd_kafka_message_t* message) {
  return PrefixOf(columns.value_header, message->payload, message);
}

Prefix KeyPrefix(const PackedColumns& columns, const rd_kafka_message_t* message) {
  return PrefixOf(columns.key_header, message->key, message);
}

/** Writes a message after those that the result counts. False if it does not fit. */
bool Append(const PackedColumns& columns, const rd_kafka_message_t* message, PackedResult* result) {
  const Prefix prefix = ValuePrefix(columns, message);
  const Prefix key_prefix = KeyPrefix(columns, message);
  if (prefix.length + message->len > columns.values.length - result->value_bytes ||
      key_prefix.length + message->key_len > columns.keys.length - result->key_bytes)
    return false;
  const uint32_t row = result->rows;
  uint8_t* value = columns.values.data + result->value_bytes;
  CopyBytes(value, prefix.data, prefix.length);
  CopyBytes(value + prefix.length, message->payload, message->len);
  uint8_t* key = columns.keys.data + result->key_bytes;
  CopyBytes(key, key_prefix.data, key_prefix.length);
  CopyBytes(key + key_prefix.length, message->key, message->key_len);
  result->value_bytes += prefix.length + message->len;
  result->key_bytes += key_prefix.length + message->key_len;
  columns.value_offsets.data[row + 1] = static_cast<int32_t>(result->value_bytes);
  columns.key_offsets.data[row + 1] = static_cast<int32_t>(result->key_bytes);
  SetBit(columns.value_validity.data, row, message->payload != nullptr);
  SetBit(columns.key_validity.data, row, message->key != nullptr);
  columns.offsets.data[row] = message->offset;
  columns.timestamps.data[row] = rd_kafka_message_timestamp(message, nullptr);
  result->rows++;
  return true;
}

}  // namespace

PackedResult PackedConsumer::Fill(rd_kafka_t* client, const PackedColumns& columns, int timeout_ms) {
  std::lock_guard<std::mutex> fill_guard(m_fill_lock);
  DropForgotten();
  columns.value_offsets.data[0] = 0;
  columns.key_offsets.data[0] = 0;

  PackedResult result;
  const rd_kafka_topic_t* topic = nullptr;
  while (result.rows < columns.max_rows) {
    if (m_head == m_messages.size()) {
      const size_t wanted = columns.max_rows - result.rows;
      if (!Take(client, wanted, topic ? 0 : timeout_ms)) break;
    }
    const rd_kafka_message_t* message = m_messages[m_head];
    if (topic && (message->err || message->rkt != topic || message->partition != result.partition)) break;
    if (message->rkt) result.topic = rd_kafka_topic_name(message->rkt);
    result.partition = message->partition;

    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      result.kind = PackedResult::kEnd;
      result.offset = message->offset;
      DestroyHead();
      break;
    }
    if (message->err) {
      result.kind = PackedResult::kError;
      result.error = message->err;
      result.error_text = rd_kafka_message_errstr(message);
      DestroyHead();
      break;
    }
    if (!Append(columns, message, &result)) {
      if (result.rows > 0) break;
      result.kind = PackedResult::kOversize;
      result.value_bytes = ValuePrefix(columns, message).length + message->len;
      result.key_bytes = KeyPrefix(columns, message).length + message->key_len;
      break;
    }
    topic = message->rkt;
    result.kind = PackedResult::kRows;
    result.leader_epoch = rd_kafka_message_leader_epoch(message);
    DestroyHead();
  }
  return result;
}

/** Refills m_messages, all of which are delivered. False if nothing came. */
bool PackedConsumer::Take(rd_kafka_t* client, size_t wanted, int timeout_ms) {
  if (!m_queue) m_queue = rd_kafka_queue_get_consumer(client);
  m_head = 0;
  m_messages.resize(std::min(wanted, kBlockMessages));
  // A batch call waits until it has as many messages as it may take. So what is queued is taken without a wait, and
  // the wait is for one message.
  ssize_t count = rd_kafka_consume_batch_queue(m_queue, 0, m_messages.data(), m_messages.size());
  if (count <= 0 && timeout_ms > 0) {
    count = rd_kafka_consume_batch_queue(m_queue, timeout_ms, m_messages.data(), 1);
  }
  m_messages.resize(count > 0 ? count : 0);
  std::lock_guard<std::mutex> forget_guard(m_forget_lock);
  m_taken_epoch = m_epoch;
  return !m_messages.empty();
}

void PackedConsumer::DestroyHead() { rd_kafka_message_destroy(m_messages[m_head++]); }

void PackedConsumer::ForgetAll() {
  std::lock_guard<std::mutex> forget_guard(m_forget_lock);
  m_forgotten.push_back({++m_epoch, true, "", -1});
}

void PackedConsumer::Forget(const std::vector<RdKafka::TopicPartition*>& partitions) {
  for (const RdKafka::TopicPartition* partition : partitions) Forget(*partition);
}

void PackedConsumer::Forget(const RdKafka::TopicPartition& partition) {
  std::lock_guard<std::mutex> forget_guard(m_forget_lock);
  m_forgotten.push_back({++m_epoch, false, partition.topic(), partition.partition()});
}

void PackedConsumer::DropForgotten() {
  std::lock_guard<std::mutex> forget_guard(m_forget_lock);
  if (m_forgotten.empty()) return;
  size_t kept = m_head;
  for (size_t i = m_head; i < m_messages.size(); i++) {
    if (IsForgotten(m_messages[i]))
      rd_kafka_message_destroy(m_messages[i]);
    else
      m_messages[kept++] = m_messages[i];
  }
  m_messages.resize(kept);
  m_forgotten.clear();
}

/** A message that was taken after the call to Forget is of the new position. */
bool PackedConsumer::IsForgotten(const rd_kafka_message_t* message) const {
  return std::any_of(m_forgotten.begin(), m_forgotten.end(), [&](const Forgotten& forgotten) {
    if (forgotten.epoch <= m_taken_epoch) return false;
    if (forgotten.all) return true;
    return message->rkt && forgotten.partition == message->partition &&
           forgotten.topic == rd_kafka_topic_name(message->rkt);
  });
}

void PackedConsumer::Close() {
  std::lock_guard<std::mutex> fill_guard(m_fill_lock);
  while (m_head < m_messages.size()) DestroyHead();
  m_messages.clear();
  m_head = 0;
  if (m_queue) rd_kafka_queue_destroy(m_queue);
  m_queue = nullptr;
}

}  // namespace NodeKafka
