#pragma once
#include "CSimdJSON.h"

namespace needletail {

/* Decodes the escapes of a JSON string in place. `cursor` is at the first backslash of the string, which stage 1 has
 * found to be closed. Returns the end of the decoded text and sets `behind` past the closing quote, or null. */
uint8_t *unescape(uint8_t *cursor, bool remove_nul, uint8_t **behind) noexcept;

/* Reads the number at `start`, which may end at `limit`. Returns the end of its text, or null when it is malformed.
 * `lenient` takes what needletail_json_scan_decimal describes, otherwise RFC 8259 section 6. */
const uint8_t *scan_number(const uint8_t *start, const uint8_t *limit, bool lenient,
                           needletail_json_token *token) noexcept;

}  // namespace needletail
