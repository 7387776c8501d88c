#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled schema: proto3, one file, no imports. May be used from several threads at once. */
typedef struct needletail_protobuf_schema needletail_protobuf_schema;

/* Compiles a schema; NULL when it is none, and then `error` says why. */
needletail_protobuf_schema *needletail_protobuf_compile(
    const char *text, size_t length, char *error, size_t error_capacity);
void needletail_protobuf_destroy(needletail_protobuf_schema *schema);

/* How many messages stand at the top level. */
int needletail_protobuf_message_count(const needletail_protobuf_schema *schema);

/* Bytes that the caller frees with free(3). */
typedef struct {
    uint8_t *bytes;
    size_t length;
} needletail_protobuf_bytes;

/* The last message of the schema, or the one of that name; NULL stands for the last. Both return 1, or 0 when the input does
   not fit the message. */
int needletail_protobuf_to_json(
    const needletail_protobuf_schema *schema, const char *message, const uint8_t *bytes, size_t length,
    needletail_protobuf_bytes *json);
int needletail_protobuf_from_json(
    const needletail_protobuf_schema *schema, const char *message, const uint8_t *json, size_t length,
    needletail_protobuf_bytes *bytes);

#ifdef __cplusplus
}
#endif
