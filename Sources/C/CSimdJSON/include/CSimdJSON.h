#pragma once
/* One JSON document (RFC 8259) walked into a flat list of tokens.
 *
 * simdjson's first stage finds the structural characters and checks UTF-8, quotes and control characters; the walk over
 * what it found is here, because it must keep what simdjson's own second stage drops: the text of numbers.
 *
 * No function throws, and none is safe for two threads with one parser. */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of tokens; JSONToken.Kind in Swift lists the same in the same order. */
enum {
    NEEDLETAIL_JSON_OBJECT_START = 0,
    NEEDLETAIL_JSON_OBJECT_END = 1,
    NEEDLETAIL_JSON_ARRAY_START = 2,
    NEEDLETAIL_JSON_ARRAY_END = 3,
    NEEDLETAIL_JSON_KEY = 4,
    NEEDLETAIL_JSON_STRING = 5,
    NEEDLETAIL_JSON_INTEGER = 6,
    NEEDLETAIL_JSON_NUMBER = 7,
    NEEDLETAIL_JSON_TRUE = 8,
    NEEDLETAIL_JSON_FALSE = 9,
    NEEDLETAIL_JSON_NULL = 10,
};

/* Flags of tokens. */
enum {
    NEEDLETAIL_JSON_HAS_FRACTION = 1, /* number: written with a dot */
    NEEDLETAIL_JSON_HAS_EXPONENT = 2, /* number: written with an exponent */
    NEEDLETAIL_JSON_SHADOWED = 4,     /* key: the same key follows later in the same object */
    NEEDLETAIL_JSON_WAS_ESCAPED = 8,  /* key, string: was written with escapes, so may need them again */
};

struct needletail_json_token {
    uint8_t kind;
    uint8_t flags;
    uint16_t fraction_digits; /* number: digits behind the dot, at most 65535 */
    uint32_t offset;          /* key, string, number: where its text starts in the document's text */
    uint32_t length;          /* and how many bytes it has */
    uint32_t link;            /* start: index behind the matching end; end: of its start; key: of its object */
    int64_t value;            /* integer; number: bits of the nearest double; start: count of members */
};

/* Results of needletail_json_parse; JSONError.Reason in Swift lists the same in the same order. */
enum {
    NEEDLETAIL_JSON_OK = 0,
    NEEDLETAIL_JSON_EMPTY = 1,
    NEEDLETAIL_JSON_UTF8 = 2,
    NEEDLETAIL_JSON_BAD_STRING = 3,
    NEEDLETAIL_JSON_BAD_NUMBER = 4,
    NEEDLETAIL_JSON_BAD_LITERAL = 5,
    NEEDLETAIL_JSON_UNEXPECTED = 6,
    NEEDLETAIL_JSON_TRUNCATED = 7,
    NEEDLETAIL_JSON_TRAILING = 8,
    NEEDLETAIL_JSON_TOO_DEEP = 9,
    NEEDLETAIL_JSON_TOO_LARGE = 10,
    NEEDLETAIL_JSON_NO_MEMORY = 11,
};

struct needletail_json_document {
    const struct needletail_json_token *tokens;
    const uint8_t *text; /* followed by at least 64 readable bytes */
    uint32_t token_count;
    uint32_t text_length;
    uint32_t error_offset;
};

typedef struct needletail_json_parser needletail_json_parser;

/* NULL when memory is out. */
needletail_json_parser *needletail_json_parser_create(void);
void needletail_json_parser_destroy(needletail_json_parser *parser);

/* Walks one document; `document` is valid until the next call or until the parser is destroyed. `maximum_depth` counts
 * containers inside each other, 1 to 1024. With `remove_nul`, U+0000 is left out of keys and strings. */
int needletail_json_parse(needletail_json_parser *parser, const uint8_t *bytes, size_t length, uint32_t maximum_depth,
                          int remove_nul, struct needletail_json_document *document);

/* Reads a plain decimal number: optional '-', digits, at most one dot, which is not the last character. Leading zeros
 * and a missing integer part are accepted. 1 and an INTEGER or NUMBER token with offset 0, or 0 when it is none. */
int needletail_json_scan_decimal(const uint8_t *bytes, uint32_t length, struct needletail_json_token *token);

/* Longest text of a double in either form. */
enum { NEEDLETAIL_DOUBLE_MAXIMUM_LENGTH = 352 };
/* Writes the shortest decimal text that reads back as the finite `value`, always with a fraction, and returns its
 * length: `42.0`; with `scientific`, magnitudes from 10^7 and below 10^-3 as `1.5E10`, else all digits. */
uint32_t needletail_double_text(double value, int scientific, uint8_t *out);

/* "3.0.1 (haswell)": the library's version and the instruction set in use. */
const char *needletail_json_version(void);

#ifdef __cplusplus
}
#endif
