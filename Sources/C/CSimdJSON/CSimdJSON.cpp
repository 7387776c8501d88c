// The walk over the structural characters that simdjson's stage 1 has found.
#include "internal.h"

#include <simdjson.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include <sys/random.h>

namespace {

constexpr uint32_t depth_limit = 1024;
constexpr size_t padding = simdjson::SIMDJSON_PADDING;
constexpr size_t first_capacity = 4096;
// A parser that grew beyond this for one document gives the memory back at the next small one.
constexpr size_t kept_capacity = size_t(1) << 20;
constexpr size_t largest_document = size_t(1) << 30;

// Bytes that may stand behind a number or a literal.
struct Terminators {
    bool is[256] = {};
    constexpr Terminators() {
        for (char c : {' ', '\t', '\n', '\r', ',', ':', '[', ']', '{', '}'}) is[static_cast<uint8_t>(c)] = true;
    }
};
constexpr Terminators terminators;

inline uint64_t load(const void *p) {
    uint64_t word;
    std::memcpy(&word, p, sizeof word);
    return word;
}

// High bit set in every byte of `word` that equals `byte` (and, above the first such byte, perhaps in others).
inline uint64_t matches(uint64_t word, uint8_t byte) {
    const uint64_t x = word ^ (0x0101010101010101u * byte);
    return (x - 0x0101010101010101u) & ~x & 0x8080808080808080u;
}

// The first quote or backslash at or behind `p`. Stage 1 has seen that there is one.
inline uint8_t *string_stop(uint8_t *p) {
    for (;; p += 8) {
        const uint64_t word = load(p);
        const uint64_t found = matches(word, '"') | matches(word, '\\');
        if (found != 0) return p + (__builtin_ctzll(found) >> 3);
    }
}

inline uint64_t mix(uint64_t a, uint64_t b) {
    const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Unpredictable, so that nobody can choose keys that share a slot. Asking the system takes microseconds: once is enough.
uint64_t process_seed() {
    static const uint64_t seed = [] {
        uint64_t random = 0;
        if (getrandom(&random, sizeof random, 0) != sizeof random) random = reinterpret_cast<uintptr_t>(&random);
        return random;
    }();
    return seed;
}

struct KeySlot {
    uint64_t hash;
    uint32_t generation;
    uint32_t token;
};

}  // namespace

struct needletail_json_parser {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage1;
    uint8_t *text = nullptr;
    size_t text_capacity = 0;
    needletail_json_token *tokens = nullptr;
    size_t token_capacity = 0;
    // Open addressing, at most one third full; slots of earlier documents have another generation.
    KeySlot *slots = nullptr;
    size_t slot_count = 0;
    uint32_t generation = 0;
    uint64_t seed = 0;

    ~needletail_json_parser() {
        std::free(text);
        std::free(tokens);
        std::free(slots);
    }

    bool reserve_text(size_t length) noexcept {
        const bool shrink = text_capacity > kept_capacity && length <= kept_capacity / 16;
        if (length <= text_capacity && !shrink) return true;
        size_t wanted = first_capacity;
        while (wanted < length) wanted *= 2;
        std::free(text);
        text_capacity = 0;
        text = static_cast<uint8_t *>(std::malloc(wanted + padding));
        if (text == nullptr) return false;
        if (shrink) {
            std::free(tokens), tokens = nullptr, token_capacity = 0;
            std::free(slots), slots = nullptr, slot_count = 0;
            stage1.reset();
        }
        if (!stage1) {
            auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(wanted, 1, stage1);
            if (error != simdjson::SUCCESS) return stage1.reset(), false;
        } else if (stage1->set_capacity(wanted) != simdjson::SUCCESS) {
            return stage1.reset(), std::free(text), text = nullptr, false;
        }
        text_capacity = wanted;
        return true;
    }

    bool reserve_tokens(size_t count) noexcept {
        if (count <= token_capacity) return true;
        size_t wanted = 256;
        while (wanted < count) wanted *= 2;
        std::free(tokens), std::free(slots);
        token_capacity = 0;
        tokens = static_cast<needletail_json_token *>(std::malloc(wanted * sizeof *tokens));
        slots = static_cast<KeySlot *>(std::calloc(wanted, sizeof *slots));
        if (tokens == nullptr || slots == nullptr) return false;
        token_capacity = slot_count = wanted;
        generation = 0;
        return true;
    }

    uint64_t hash(const needletail_json_token &key) const noexcept {
        const uint8_t *p = text + key.offset;
        uint64_t h = seed ^ mix(key.link + 0x9E3779B97F4A7C15u, key.length ^ 0xD6E8FEB86659FD93u);
        uint32_t left = key.length;
        for (; left > 8; left -= 8, p += 8) h = mix(h ^ load(p), 0xA0761D6478BD642Fu);
        // The text is padded, so eight bytes can be read at any place of it.
        const uint64_t last = left == 0 ? 0 : load(p) << (64 - 8 * left);
        return mix(h ^ last, 0xE7037ED1A0B428DBu);
    }

    // Enters the key with index `index`; an earlier one with the same text in the same object becomes shadowed.
    void enter_key(uint32_t index) noexcept {
        const needletail_json_token &key = tokens[index];
        const uint64_t h = hash(key);
        const size_t mask = slot_count - 1;
        for (size_t at = h & mask;; at = (at + 1) & mask) {
            KeySlot &slot = slots[at];
            if (slot.generation != generation) {
                slot = {h, generation, index};
                return;
            }
            if (slot.hash != h) continue;
            needletail_json_token &other = tokens[slot.token];
            if (other.link == key.link && other.length == key.length
                && std::memcmp(text + other.offset, text + key.offset, key.length) == 0) {
                other.flags |= NEEDLETAIL_JSON_SHADOWED;
                slot.token = index;
                return;
            }
        }
    }

    int walk(uint32_t length, uint32_t maximum_depth, bool remove_nul, needletail_json_document *document) noexcept;
};

int needletail_json_parser::walk(uint32_t length, uint32_t maximum_depth, bool remove_nul,
                                 needletail_json_document *document) noexcept {
    // Behind the last index stands `length`, and behind the text stand zeros, which no state below accepts: so reading
    // one structural character too many is noticed, and a second one is never read.
    const uint32_t *next = stage1->structural_indexes.get();
    const uint32_t *const end = next + stage1->n_structural_indexes;
    uint32_t stack[depth_limit];
    uint32_t depth = 0;
    uint32_t count = 0;
    uint32_t at = 0;
    uint8_t c = 0;

    const auto advance = [&] { at = *next++, c = text[at]; };
    const auto fail = [&](int code) {
        document->error_offset = at;
        return code;
    };
    const auto unexpected = [&] { return fail(at >= length ? NEEDLETAIL_JSON_TRUNCATED : NEEDLETAIL_JSON_UNEXPECTED); };
    const auto ends_at = [&](uint32_t position) { return position == length || terminators.is[text[position]]; };
    const auto string = [&](uint8_t kind, uint32_t link) {
        uint8_t *start = text + at + 1;
        uint8_t *stop = string_stop(start);
        uint8_t flags = 0;
        if (*stop == '\\') {
            uint8_t *behind;
            stop = needletail::unescape(stop, remove_nul, &behind);
            if (stop == nullptr) return false;
            flags = NEEDLETAIL_JSON_WAS_ESCAPED;
        }
        const auto offset = static_cast<uint32_t>(start - text);
        tokens[count++] = {kind, flags, 0, offset, static_cast<uint32_t>(stop - start), link, 0};
        return true;
    };
    const auto scalar = [&](uint8_t kind, const char *word, uint32_t size) {
        if (std::memcmp(text + at, word, size) != 0 || !ends_at(at + size)) return false;
        tokens[count++] = {kind, 0, 0, at, size, 0, 0};
        return true;
    };

    advance();
value:
    switch (c) {
    case '{':
    case '[': {
        if (depth == maximum_depth) return fail(NEEDLETAIL_JSON_TOO_DEEP);
        stack[depth++] = count;
        const bool is_object = c == '{';
        tokens[count++] = {static_cast<uint8_t>(is_object ? NEEDLETAIL_JSON_OBJECT_START : NEEDLETAIL_JSON_ARRAY_START),
                           0, 0, at, 0, 0, 0};
        advance();
        if (is_object) {
            if (c == '}') goto close;
            goto key;
        }
        if (c == ']') goto close;
        tokens[count - 1].value = 1;
        goto value;
    }
    case '"':
        if (!string(NEEDLETAIL_JSON_STRING, 0)) return fail(NEEDLETAIL_JSON_BAD_STRING);
        break;
    case 't':
        if (!scalar(NEEDLETAIL_JSON_TRUE, "true", 4)) return fail(NEEDLETAIL_JSON_BAD_LITERAL);
        break;
    case 'f':
        if (!scalar(NEEDLETAIL_JSON_FALSE, "false", 5)) return fail(NEEDLETAIL_JSON_BAD_LITERAL);
        break;
    case 'n':
        if (!scalar(NEEDLETAIL_JSON_NULL, "null", 4)) return fail(NEEDLETAIL_JSON_BAD_LITERAL);
        break;
    case '-':
    case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9': {
        needletail_json_token &token = tokens[count++];
        const uint8_t *behind = needletail::scan_number(text + at, text + length, false, &token);
        if (behind == nullptr || !ends_at(static_cast<uint32_t>(behind - text))) {
            return fail(NEEDLETAIL_JSON_BAD_NUMBER);
        }
        token.offset = at;
        break;
    }
    default:
        return unexpected();
    }

after:
    if (depth == 0) {
        if (next != end) {
            advance();
            return fail(NEEDLETAIL_JSON_TRAILING);
        }
        document->token_count = count;
        return NEEDLETAIL_JSON_OK;
    }
    advance();
    if (tokens[stack[depth - 1]].kind == NEEDLETAIL_JSON_ARRAY_START) {
        if (c == ']') goto close;
        if (c != ',') return unexpected();
        tokens[stack[depth - 1]].value += 1;
        advance();
        goto value;
    }
    if (c == '}') goto close;
    if (c != ',') return unexpected();
    advance();

key:
    if (c != '"') return unexpected();
    if (!string(NEEDLETAIL_JSON_KEY, stack[depth - 1])) return fail(NEEDLETAIL_JSON_BAD_STRING);
    enter_key(count - 1);
    tokens[stack[depth - 1]].value += 1;
    advance();
    if (c != ':') return unexpected();
    advance();
    goto value;

close:
    {
        const uint32_t start = stack[--depth];
        tokens[count] = {static_cast<uint8_t>(tokens[start].kind + 1), 0, 0, at, 0, start, 0};
        tokens[start].link = ++count;
        goto after;
    }
}

// MARK: - C face

needletail_json_parser *needletail_json_parser_create(void) {
    auto *parser = new (std::nothrow) needletail_json_parser;
    if (parser == nullptr) return nullptr;
    parser->seed = process_seed();
    return parser;
}

void needletail_json_parser_destroy(needletail_json_parser *parser) { delete parser; }

int needletail_json_parse(needletail_json_parser *parser, const uint8_t *bytes, size_t length, uint32_t maximum_depth,
                          int remove_nul, needletail_json_document *document) {
    *document = {};
    if (length == 0) return NEEDLETAIL_JSON_EMPTY;
    if (length > largest_document) return NEEDLETAIL_JSON_TOO_LARGE;
    if (!parser->reserve_text(length)) return NEEDLETAIL_JSON_NO_MEMORY;
    std::memcpy(parser->text, bytes, length);
    std::memset(parser->text + length, 0, padding);
    switch (parser->stage1->stage1(parser->text, length, simdjson::stage1_mode::regular)) {
    case simdjson::SUCCESS: break;
    case simdjson::UTF8_ERROR: return NEEDLETAIL_JSON_UTF8;
    case simdjson::EMPTY: return NEEDLETAIL_JSON_EMPTY;
    case simdjson::UNESCAPED_CHARS: return NEEDLETAIL_JSON_BAD_STRING;
    case simdjson::UNCLOSED_STRING:
        document->error_offset = static_cast<uint32_t>(length);
        return NEEDLETAIL_JSON_TRUNCATED;
    default: return NEEDLETAIL_JSON_UNEXPECTED;
    }
    if (parser->stage1->n_structural_indexes == 0) return NEEDLETAIL_JSON_EMPTY;
    if (!parser->reserve_tokens(parser->stage1->n_structural_indexes + 1)) return NEEDLETAIL_JSON_NO_MEMORY;
    if (++parser->generation == 0) {
        std::memset(parser->slots, 0, parser->slot_count * sizeof *parser->slots);
        parser->generation = 1;
    }
    const uint32_t depth = maximum_depth < 1 ? 1 : maximum_depth > depth_limit ? depth_limit : maximum_depth;
    const int result = parser->walk(static_cast<uint32_t>(length), depth, remove_nul != 0, document);
    if (result == NEEDLETAIL_JSON_OK) {
        document->tokens = parser->tokens;
        document->text = parser->text;
        document->text_length = static_cast<uint32_t>(length);
    }
    return result;
}

const char *needletail_json_version(void) {
    static char text[64];
    static const bool once = [] {
        std::snprintf(text, sizeof text, "%d.%d.%d (%s)", simdjson::SIMDJSON_VERSION_MAJOR,
                      simdjson::SIMDJSON_VERSION_MINOR, simdjson::SIMDJSON_VERSION_REVISION,
                      simdjson::get_active_implementation()->name().c_str());
        return true;
    }();
    (void)once;
    return text;
}
