#include "CZlib.h"

#include <string.h>
#include <zlib.h>

size_t needletail_gzip_bound(size_t length) {
    /* zlib's bound, and the gzip head and trailer instead of zlib's own. */
    return compressBound(length) + 32;
}

size_t needletail_gzip(const uint8_t *input, size_t length, int level, uint8_t *output, size_t capacity) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    stream.next_in = (Bytef *)input;
    stream.avail_in = (uInt)length;
    stream.next_out = output;
    stream.avail_out = (uInt)capacity;
    int code = deflate(&stream, Z_FINISH);
    size_t written = stream.total_out;
    deflateEnd(&stream);
    return code == Z_STREAM_END ? written : 0;
}
