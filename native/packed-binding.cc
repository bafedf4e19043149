/** consumePacked(columns, maxRows, timeoutMs, prefixHeaders, callback), as JavaScript calls it: see README.md. */
#include <algorithm>
#include <string>
#include <utility>

#include "src/packed-consumer.h"
#include "src/workers.h"

namespace NodeKafka {

namespace {

void Set(v8::Local<v8::Object> object, const char* name, v8::Local<v8::Value> value) {
  Nan::Set(object, Nan::New(name).ToLocalChecked(), value);
}

void Set(v8::Local<v8::Object> object, const char* name, const std::string& text) {
  Set(object, name, Nan::New(text).ToLocalChecked());
}

void SetBytes(v8::Local<v8::Object> object, const PackedResult& result) {
  Set(object, "valueBytes", Nan::New(static_cast<double>(result.value_bytes)));
  Set(object, "keyBytes", Nan::New(static_cast<double>(result.key_bytes)));
}

v8::Local<v8::Object> ToObject(const PackedResult& result) {
  v8::Local<v8::Object> object = Nan::New<v8::Object>();
  switch (result.kind) {
    case PackedResult::kRows:
      Set(object, "kind", "rows");
      Set(object, "rows", Nan::New(result.rows));
      if (result.leader_epoch >= 0) Set(object, "leaderEpoch", Nan::New(result.leader_epoch));
      SetBytes(object, result);
      break;
    case PackedResult::kEnd:
      Set(object, "kind", "end");
      Set(object, "offset", Nan::New(static_cast<double>(result.offset)));
      break;
    case PackedResult::kOversize:
      Set(object, "kind", "oversize");
      SetBytes(object, result);
      break;
    default:
      Set(object, "kind", "idle");
      return object;
  }
  Set(object, "topic", result.topic);
  Set(object, "partition", Nan::New(result.partition));
  return object;
}

/** Fills the columns on the thread pool. Calls back with the result, or with an Error that has librdkafka's code. */
class PackedWorker : public Workers::ErrorAwareWorker {
 public:
  PackedWorker(Nan::Callback* callback, KafkaConsumer* consumer, PackedColumns&& columns, int timeout_ms)
      : ErrorAwareWorker(callback), m_consumer(consumer), m_columns(std::move(columns)), m_timeout_ms(timeout_ms) {}

  void Execute() override {
    m_result = m_consumer->ConsumePacked(m_columns, m_timeout_ms);
    if (m_result.kind == PackedResult::kError)
      SetErrorBaton(Baton(static_cast<RdKafka::ErrorCode>(m_result.error), m_result.error_text));
  }

  void HandleOKCallback() override {
    Nan::HandleScope scope;
    v8::Local<v8::Value> argv[] = {Nan::Null(), ToObject(m_result)};
    callback->Call(2, argv);
  }

 private:
  KafkaConsumer* m_consumer;
  PackedColumns m_columns;
  int m_timeout_ms;
  PackedResult m_result;
};

/** Takes a typed array over. False if the property is none, or of another type. */
template <typename T>
bool TakeColumn(v8::Local<v8::Object> columns, const char* name, bool (v8::Value::*is_type)() const,
                PackedColumn<T>* column) {
  v8::Local<v8::Value> value = Nan::Get(columns, Nan::New(name).ToLocalChecked()).ToLocalChecked();
  if (!((*value)->*is_type)()) return false;
  v8::Local<v8::ArrayBufferView> view = value.As<v8::ArrayBufferView>();
  // This serves a view over a SharedArrayBuffer as well.
  column->store = view->Buffer()->GetBackingStore();
  column->data = reinterpret_cast<T*>(static_cast<char*>(column->store->Data()) + view->ByteOffset());
  column->length = view->ByteLength() / sizeof(T);
  return true;
}

bool TakeColumns(v8::Local<v8::Object> object, PackedColumns* columns) {
  using v8::Value;
  return TakeColumn(object, "values", &Value::IsUint8Array, &columns->values) &&
         TakeColumn(object, "valueOffsets", &Value::IsInt32Array, &columns->value_offsets) &&
         TakeColumn(object, "valueValidity", &Value::IsUint8Array, &columns->value_validity) &&
         TakeColumn(object, "keys", &Value::IsUint8Array, &columns->keys) &&
         TakeColumn(object, "keyOffsets", &Value::IsInt32Array, &columns->key_offsets) &&
         TakeColumn(object, "keyValidity", &Value::IsUint8Array, &columns->key_validity) &&
         TakeColumn(object, "offsets", &Value::IsBigInt64Array, &columns->offsets) &&
         TakeColumn(object, "timestamps", &Value::IsBigInt64Array, &columns->timestamps);
}

/** How many rows fit into all columns. */
size_t RowCapacity(const PackedColumns& columns) {
  if (columns.value_offsets.length == 0 || columns.key_offsets.length == 0) return 0;
  return std::min({columns.value_offsets.length - 1, columns.key_offsets.length - 1, columns.value_validity.length * 8,
                   columns.key_validity.length * 8, columns.offsets.length, columns.timestamps.length});
}

}  // namespace

PackedResult KafkaConsumer::ConsumePacked(const PackedColumns& columns, int timeout_ms) {
  scoped_shared_read_lock lock(m_connection_lock);
  if (!IsConnected()) {
    PackedResult result;
    result.kind = PackedResult::kError;
    result.error = RD_KAFKA_RESP_ERR__STATE;
    result.error_text = "KafkaConsumer is not connected";
    return result;
  }
  return m_packed.Fill(m_client->c_ptr(), columns, timeout_ms);
}

NAN_METHOD(KafkaConsumer::NodeConsumePacked) {
  Nan::HandleScope scope;
  if (info.Length() < 5 || !info[0]->IsObject() || !info[1]->IsUint32() || !info[2]->IsUint32() ||
      !info[3]->IsString() || !info[4]->IsFunction())
    return Nan::ThrowTypeError("consumePacked takes columns, maxRows, timeoutMs, prefixHeaders and a callback");

  PackedColumns columns;
  if (!TakeColumns(info[0].As<v8::Object>(), &columns))
    return Nan::ThrowTypeError("A column is missing or is a typed array of another type");
  const uint32_t max_rows = Nan::To<uint32_t>(info[1]).FromJust();
  columns.max_rows = static_cast<uint32_t>(std::min<size_t>(RowCapacity(columns), max_rows));
  if (columns.max_rows == 0) return Nan::ThrowRangeError("The columns have no space for a message");
  // Offsets into the bytes are 32-bit integers.
  columns.values.length = std::min<size_t>(columns.values.length, INT32_MAX);
  columns.keys.length = std::min<size_t>(columns.keys.length, INT32_MAX);
  const std::string headers = *Nan::Utf8String(info[3]);
  const size_t comma = headers.find(',');
  columns.value_header = headers.substr(0, comma);
  if (comma != std::string::npos) columns.key_header = headers.substr(comma + 1);

  KafkaConsumer* consumer = ObjectWrap::Unwrap<KafkaConsumer>(info.This());
  const int timeout_ms = static_cast<int>(Nan::To<uint32_t>(info[2]).FromJust());
  PackedWorker* worker =
      new PackedWorker(new Nan::Callback(info[4].As<v8::Function>()), consumer, std::move(columns), timeout_ms);
  // Keeps the consumer alive until the callback.
  worker->SaveToPersistent("consumer", info.This());
  Nan::AsyncQueueWorker(worker);
  info.GetReturnValue().Set(Nan::Null());
}

}  // namespace NodeKafka
