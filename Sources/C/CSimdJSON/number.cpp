// Numbers as text: reading them, keeping how they were written, and writing doubles.
#include "internal.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace needletail {

namespace {

// Powers of ten that a double holds exactly.
constexpr double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

inline bool is_digit(uint8_t c) { return static_cast<uint8_t>(c - '0') < 10; }

// Slow but always right: the nearest double of any decimal text without its sign, infinity when it is too large.
double nearest_double(const uint8_t *start, const uint8_t *end, int64_t exponent) {
    double value = 0;
    auto result = std::from_chars(reinterpret_cast<const char *>(start), reinterpret_cast<const char *>(end), value);
    if (result.ec != std::errc::result_out_of_range) return value;
    // Too large or too small: the place of the first digit that is not zero tells.
    const uint8_t *dot = start;
    while (dot < end && is_digit(*dot)) ++dot;
    const uint8_t *first = start;
    while (first < end && (*first == '0' || *first == '.')) ++first;
    const int64_t place = first < dot ? dot - first : dot - first + 1;
    return place + exponent > 0 ? std::numeric_limits<double>::infinity() : 0;
}

}  // namespace

const uint8_t *scan_number(const uint8_t *start, const uint8_t *limit, bool lenient,
                           needletail_json_token *token) noexcept {
    const uint8_t *p = start;
    const bool negative = p < limit && *p == '-';
    if (negative) ++p;

    uint64_t significand = 0;  // Wraps beyond 19 digits; not used then.
    const uint8_t *digits = p;
    while (p < limit && is_digit(*p)) significand = significand * 10 + (*p++ - '0');
    int64_t integer_digits = p - digits;
    if (!lenient && (integer_digits == 0 || (integer_digits > 1 && *digits == '0'))) return nullptr;

    uint8_t flags = 0;
    int64_t fraction_digits = 0;
    if (p < limit && *p == '.') {
        flags |= NEEDLETAIL_JSON_HAS_FRACTION;
        const uint8_t *fraction = ++p;
        while (p < limit && is_digit(*p)) significand = significand * 10 + (*p++ - '0');
        fraction_digits = p - fraction;
        if (fraction_digits == 0) return nullptr;
    }
    if (integer_digits + fraction_digits == 0) return nullptr;

    int64_t exponent = 0;
    if (!lenient && p < limit && (*p | 0x20) == 'e') {
        flags |= NEEDLETAIL_JSON_HAS_EXPONENT;
        ++p;
        const bool minus = p < limit && *p == '-';
        if (p < limit && (*p == '-' || *p == '+')) ++p;
        const uint8_t *first = p;
        while (p < limit && is_digit(*p)) {
            if (exponent < 1'000'000'000) exponent = exponent * 10 + (*p - '0');
            ++p;
        }
        if (p == first) return nullptr;
        if (minus) exponent = -exponent;
    }

    token->flags = flags;
    token->fraction_digits = static_cast<uint16_t>(fraction_digits < 65535 ? fraction_digits : 65535);
    token->length = static_cast<uint32_t>(p - start);
    token->link = 0;

    // Leading zeros do not count; only the lenient form has more than one of them in front of the dot.
    if (integer_digits + fraction_digits > 19) {
        const uint8_t *zeros = digits;
        while (*zeros == '0' && integer_digits > 0) ++zeros, --integer_digits;
    }
    if (flags == 0 && integer_digits <= 19) {
        const uint64_t most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + (negative ? 1 : 0);
        if (significand <= most) {
            token->kind = NEEDLETAIL_JSON_INTEGER;
            token->value = static_cast<int64_t>(negative ? 0 - significand : significand);
            return p;
        }
    }
    token->kind = NEEDLETAIL_JSON_NUMBER;
    double value;
    const int64_t scale = exponent - fraction_digits;
    if (integer_digits + fraction_digits <= 19 && significand <= (uint64_t(1) << 53) && scale >= -22 && scale <= 22) {
        value = static_cast<double>(significand);
        value = scale < 0 ? value / exact_powers[-scale] : value * exact_powers[scale];
    } else {
        value = nearest_double(digits, p, exponent);
    }
    if (negative) value = -value;
    std::memcpy(&token->value, &value, sizeof value);
    return p;
}

namespace {

// Most values of sensors have few digits: `value` = n / 10^places with n below 2^53 and at most 15 digits. No other
// decimal of up to 15 digits is as near, so the first `places` that fits gives the shortest text. 0 when none does.
uint32_t short_double_text(double value, uint8_t *out) {
    const double magnitude = std::fabs(value);
    if (!(magnitude >= 1e-3 && magnitude < 1e7)) return 0;
    for (int places = 1; places <= 6; ++places) {
        const double scaled = magnitude * exact_powers[places];
        const double whole = std::nearbyint(scaled);
        if (std::fabs(scaled - whole) > 1e-6 || whole / exact_powers[places] != magnitude) continue;
        char digits[20];
        const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<uint64_t>(whole)).ptr;
        const int count = static_cast<int>(end - digits);
        const int in_front = count - places;
        uint8_t *o = out;
        if (value < 0) *o++ = '-';
        if (in_front > 0) {
            std::memcpy(o, digits, in_front), o += in_front;
        } else {
            *o++ = '0';
        }
        *o++ = '.';
        for (int zeros = in_front; zeros < 0; ++zeros) *o++ = '0';
        const int skipped = in_front > 0 ? in_front : 0;
        std::memcpy(o, digits + skipped, count - skipped), o += count - skipped;
        return static_cast<uint32_t>(o - out);
    }
    return 0;
}

}  // namespace

}  // namespace needletail

int needletail_json_scan_decimal(const uint8_t *bytes, uint32_t length, needletail_json_token *token) {
    const uint8_t *end = needletail::scan_number(bytes, bytes + length, true, token);
    token->offset = 0;
    return end == bytes + length;
}

uint32_t needletail_double_text(double value, int scientific, uint8_t *out) {
    if (const uint32_t length = needletail::short_double_text(value, out)) return length;
    // "-d.ddde-308": sign, digits and decimal exponent of the shortest text.
    char buffer[40];
    auto result = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
    uint8_t *o = out;
    const char *p = buffer;
    if (*p == '-') *o++ = '-', ++p;
    char digits[24];
    int count = 0;
    while (p < result.ptr && *p != 'e') {
        if (*p != '.') digits[count++] = *p;
        ++p;
    }
    int exponent = 0;
    ++p;
    const bool minus = *p == '-';
    for (++p; p < result.ptr; ++p) exponent = exponent * 10 + (*p - '0');
    if (minus) exponent = -exponent;

    const auto put = [&o](const char *text, int n) { std::memcpy(o, text, n), o += n; };
    const auto zeros = [&o](int n) { std::memset(o, '0', n), o += n; };
    if (scientific && value != 0 && (exponent < -3 || exponent >= 7)) {
        *o++ = digits[0];
        *o++ = '.';
        if (count > 1) put(digits + 1, count - 1); else *o++ = '0';
        *o++ = 'E';
        auto end = std::to_chars(reinterpret_cast<char *>(o), reinterpret_cast<char *>(o) + 8, exponent);
        return static_cast<uint32_t>(reinterpret_cast<uint8_t *>(end.ptr) - out);
    }
    if (exponent < 0) {
        put("0.", 2);
        zeros(-exponent - 1);
        put(digits, count);
    } else if (count <= exponent + 1) {
        put(digits, count);
        zeros(exponent + 1 - count);
        put(".0", 2);
    } else {
        put(digits, exponent + 1);
        *o++ = '.';
        put(digits + exponent + 1, count - exponent - 1);
    }
    return static_cast<uint32_t>(o - out);
}
