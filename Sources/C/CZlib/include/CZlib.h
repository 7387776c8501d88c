#pragma once
/* gzip (RFC 1952) of a whole buffer, by zlib. Safe from any thread. */
#include <stddef.h>
#include <stdint.h>

/* Bytes that are always enough for the compressed form of `length` bytes. */
size_t needletail_gzip_bound(size_t length);

/* The number of bytes written, or 0 when they do not fit or memory is short. */
size_t needletail_gzip(const uint8_t *input, size_t length, int level, uint8_t *output, size_t capacity);
