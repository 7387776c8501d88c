// Escapes of JSON strings (RFC 8259 section 7).
#include "internal.h"

namespace needletail {

namespace {

// The value of four hexadecimal digits, or -1. Reads no further than the first byte that is no digit.
int32_t hexadecimal(const uint8_t *p) {
    int32_t value = 0;
    for (int i = 0; i < 4; ++i) {
        const uint8_t c = p[i];
        if (c >= '0' && c <= '9') value = value << 4 | (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') value = value << 4 | ((c | 0x20) - 'a' + 10);
        else return -1;
    }
    return value;
}

uint8_t *put_scalar(uint8_t *out, uint32_t scalar) {
    if (scalar < 0x80) {
        *out++ = static_cast<uint8_t>(scalar);
    } else if (scalar < 0x800) {
        *out++ = static_cast<uint8_t>(0xC0 | scalar >> 6);
        *out++ = static_cast<uint8_t>(0x80 | (scalar & 0x3F));
    } else if (scalar < 0x10000) {
        *out++ = static_cast<uint8_t>(0xE0 | scalar >> 12);
        *out++ = static_cast<uint8_t>(0x80 | (scalar >> 6 & 0x3F));
        *out++ = static_cast<uint8_t>(0x80 | (scalar & 0x3F));
    } else {
        *out++ = static_cast<uint8_t>(0xF0 | scalar >> 18);
        *out++ = static_cast<uint8_t>(0x80 | (scalar >> 12 & 0x3F));
        *out++ = static_cast<uint8_t>(0x80 | (scalar >> 6 & 0x3F));
        *out++ = static_cast<uint8_t>(0x80 | (scalar & 0x3F));
    }
    return out;
}

}  // namespace

uint8_t *unescape(uint8_t *cursor, bool remove_nul, uint8_t **behind) noexcept {
    const uint8_t *in = cursor;
    uint8_t *out = cursor;  // Never passes `in`: an escape is longer than what it stands for.
    for (;;) {
        const uint8_t c = *in++;
        if (c == '"') break;
        if (c != '\\') {
            *out++ = c;
            continue;
        }
        switch (*in++) {
        case '"': *out++ = '"'; break;
        case '\\': *out++ = '\\'; break;
        case '/': *out++ = '/'; break;
        case 'b': *out++ = '\b'; break;
        case 'f': *out++ = '\f'; break;
        case 'n': *out++ = '\n'; break;
        case 'r': *out++ = '\r'; break;
        case 't': *out++ = '\t'; break;
        case 'u': {
            int32_t unit = hexadecimal(in);
            if (unit < 0) return nullptr;
            in += 4;
            uint32_t scalar = static_cast<uint32_t>(unit);
            if (unit >= 0xD800 && unit <= 0xDFFF) {
                // Only a high surrogate that a low one follows is text.
                if (unit > 0xDBFF || in[0] != '\\' || in[1] != 'u') return nullptr;
                const int32_t low = hexadecimal(in + 2);
                if (low < 0xDC00 || low > 0xDFFF) return nullptr;
                in += 6;
                scalar = 0x10000 + (static_cast<uint32_t>(unit - 0xD800) << 10) + static_cast<uint32_t>(low - 0xDC00);
            }
            if (scalar != 0 || !remove_nul) out = put_scalar(out, scalar);
            break;
        }
        default: return nullptr;
        }
    }
    *behind = const_cast<uint8_t *>(in);
    return out;
}

}  // namespace needletail
