/** What JavaScript calls: clusterId(timeoutMs). README.md describes it. */
#include <string>

#include "src/kafka-consumer.h"

namespace NodeKafka {

NAN_METHOD(KafkaConsumer::NodeClusterId) {
  Nan::HandleScope scope;
  if (info.Length() < 1 || !info[0]->IsUint32()) return Nan::ThrowTypeError("clusterId takes timeoutMs");

  KafkaConsumer* consumer = ObjectWrap::Unwrap<KafkaConsumer>(info.This());
  scoped_shared_read_lock lock(consumer->m_connection_lock);
  if (!consumer->IsConnected()) return;
  const int timeout_ms = static_cast<int>(Nan::To<uint32_t>(info[0]).FromJust());
  const std::string cluster_id = consumer->m_client->clusterid(timeout_ms);
  if (!cluster_id.empty()) info.GetReturnValue().Set(Nan::New(cluster_id).ToLocalChecked());
}

}  // namespace NodeKafka
