// Schemas that are known at run time only: libprotobuf's parser and dynamic messages behind a C interface.
#include "CProtobuf.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>

#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>

namespace pb = google::protobuf;

struct needletail_protobuf_schema {
    pb::DescriptorPool pool;
    std::unique_ptr<pb::DynamicMessageFactory> factory;
    const pb::FileDescriptor *file = nullptr;
};

namespace {

// Keeps the first error.
class Errors : public pb::io::ErrorCollector, public pb::DescriptorPool::ErrorCollector {
public:
    std::string text;

    void AddError(int line, int column, const std::string &message) override {
        if (text.empty()) text = "line " + std::to_string(line + 1) + ": " + message;
    }

    void AddError(const std::string &, const std::string &element, const pb::Message *, ErrorLocation,
                  const std::string &message) override {
        if (text.empty()) text = element + ": " + message;
    }
};

void report(const std::string &text, char *error, size_t capacity) {
    if (capacity == 0) return;
    size_t length = text.size() < capacity - 1 ? text.size() : capacity - 1;
    std::memcpy(error, text.data(), length);
    error[length] = 0;
}

const pb::Descriptor *find(const needletail_protobuf_schema *schema, const char *name) {
    if (name != nullptr) return schema->file->FindMessageTypeByName(name);
    return schema->file->message_type(schema->file->message_type_count() - 1);
}

int give(const std::string &text, needletail_protobuf_bytes *out) {
    out->length = text.size();
    out->bytes = static_cast<uint8_t *>(std::malloc(text.size() + 1));
    if (out->bytes == nullptr) return 0;
    std::memcpy(out->bytes, text.data(), text.size());
    return 1;
}

std::once_flag silenced;

}  // namespace

needletail_protobuf_schema *needletail_protobuf_compile(
    const char *text, size_t length, char *error, size_t error_capacity) {
    // What is wrong is returned; the library would print it as well.
    std::call_once(silenced, [] { pb::SetLogHandler(nullptr); });
    Errors errors;
    pb::io::ArrayInputStream input(text, static_cast<int>(length));
    pb::io::Tokenizer tokenizer(&input, &errors);
    pb::compiler::Parser parser;
    parser.RecordErrorsTo(&errors);
    pb::FileDescriptorProto description;
    if (!parser.Parse(&tokenizer, &description) || !errors.text.empty()) {
        report(errors.text.empty() ? "no schema" : errors.text, error, error_capacity);
        return nullptr;
    }
    if (description.syntax() != "proto3" || description.dependency_size() > 0 || description.message_type_size() == 0) {
        report("a schema is proto3, without imports, and has a message", error, error_capacity);
        return nullptr;
    }
    description.set_name("schema.proto");
    auto schema = std::make_unique<needletail_protobuf_schema>();
    schema->file = schema->pool.BuildFileCollectingErrors(description, &errors);
    if (schema->file == nullptr) {
        report(errors.text, error, error_capacity);
        return nullptr;
    }
    schema->factory = std::make_unique<pb::DynamicMessageFactory>(&schema->pool);
    return schema.release();
}

void needletail_protobuf_destroy(needletail_protobuf_schema *schema) {
    if (schema == nullptr) return;
    // Prototypes refer to descriptors of the pool.
    schema->factory.reset();
    delete schema;
}

int needletail_protobuf_message_count(const needletail_protobuf_schema *schema) {
    return schema->file->message_type_count();
}

int needletail_protobuf_to_json(
    const needletail_protobuf_schema *schema, const char *message, const uint8_t *bytes, size_t length,
    needletail_protobuf_bytes *json) {
    const pb::Descriptor *descriptor = find(schema, message);
    if (descriptor == nullptr) return 0;
    std::unique_ptr<pb::Message> value(schema->factory->GetPrototype(descriptor)->New());
    if (!value->ParseFromArray(bytes, static_cast<int>(length))) return 0;
    pb::util::JsonPrintOptions options;
    options.always_print_primitive_fields = true;
    std::string text;
    if (!pb::util::MessageToJsonString(*value, &text, options).ok()) return 0;
    return give(text, json);
}

int needletail_protobuf_from_json(
    const needletail_protobuf_schema *schema, const char *message, const uint8_t *json, size_t length,
    needletail_protobuf_bytes *bytes) {
    const pb::Descriptor *descriptor = find(schema, message);
    if (descriptor == nullptr) return 0;
    std::unique_ptr<pb::Message> value(schema->factory->GetPrototype(descriptor)->New());
    pb::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    pb::StringPiece text(reinterpret_cast<const char *>(json), length);
    if (!pb::util::JsonStringToMessage(text, value.get(), options).ok()) return 0;
    std::string encoded;
    if (!value->SerializeToString(&encoded)) return 0;
    return give(encoded, bytes);
}
