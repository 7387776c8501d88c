/// What an image is, by its first bytes: names and headers of clients are not believed (`rest-api.md` 4.20).
struct ImageFormat: Equatable, Sendable {
    var mediaType: String
    /// Points; 0 where the format has none.
    var width = 0
    var height = 0

    /// - Returns: `nil` for bytes that are no image which browsers show.
    init?(_ bytes: [UInt8]) {
        let reader = Reader(bytes: bytes)
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            mediaType = "image/png"
            (width, height) = (reader.big32(16), reader.big32(20))
        } else if bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8) {
            mediaType = "image/gif"
            (width, height) = (reader.little16(6), reader.little16(8))
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            mediaType = "image/jpeg"
            (width, height) = Self.jpegSize(reader)
        } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            mediaType = "image/webp"
            (width, height) = Self.webpSize(reader)
        } else if bytes.starts(with: "BM".utf8) {
            mediaType = "image/bmp"
            (width, height) = (reader.little16(18), reader.little16(22))
        } else if bytes.starts(with: [0, 0, 1, 0]) {
            mediaType = "image/x-icon"
            (width, height) = (reader.byte(6), reader.byte(7))
        } else if Self.isSVG(bytes) {
            mediaType = "image/svg+xml"
        } else {
            return nil
        }
    }

    /// Bytes at places that may lie behind the end, where zeros are.
    private struct Reader {
        let bytes: [UInt8]

        func byte(_ place: Int) -> Int { place >= 0 && place < bytes.count ? Int(bytes[place]) : 0 }
        func big16(_ place: Int) -> Int { byte(place) << 8 | byte(place + 1) }
        func big32(_ place: Int) -> Int { big16(place) << 16 | big16(place + 2) }
        func little16(_ place: Int) -> Int { byte(place + 1) << 8 | byte(place) }
        func little24(_ place: Int) -> Int { byte(place + 2) << 16 | little16(place) }
    }

    /// The size stands in the first frame header (C0 to CF, without C4, C8 and CC).
    private static func jpegSize(_ reader: Reader) -> (Int, Int) {
        var place = 2
        while place + 9 < reader.bytes.count, reader.byte(place) == 0xFF {
            let marker = reader.byte(place + 1)
            if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
                return (reader.big16(place + 7), reader.big16(place + 5))
            }
            place += 2 + max(2, reader.big16(place + 2))
        }
        return (0, 0)
    }

    private static func webpSize(_ reader: Reader) -> (Int, Int) {
        switch reader.byte(15) {
        case 0x20: (reader.little16(26) & 0x3FFF, reader.little16(28) & 0x3FFF)  // "VP8 "
        case 0x4C:  // "VP8L"
            (
                (reader.little16(21) & 0x3FFF) + 1,
                (reader.byte(22) >> 6 | reader.byte(23) << 2 | (reader.byte(24) & 0xF) << 10) + 1
            )
        case 0x58: (reader.little24(24) + 1, reader.little24(27) + 1)  // "VP8X"
        default: (0, 0)
        }
    }

    /// A document whose root is `svg`, behind a declaration, comments and white space.
    private static func isSVG(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes.prefix(4096), as: UTF8.self)
        var rest = text[...]
        if rest.first == "\u{FEFF}" { rest = rest.dropFirst() }
        while true {
            rest = rest.drop(while: \.isWhitespace)
            if rest.hasPrefix("<?"), let end = rest.firstRange(of: "?>") {
                rest = rest[end.upperBound...]
            } else if rest.hasPrefix("<!--"), let end = rest.firstRange(of: "-->") {
                rest = rest[end.upperBound...]
            } else if rest.hasPrefix("<!DOCTYPE"), let end = rest.firstIndex(of: ">") {
                rest = rest[rest.index(after: end)...]
            } else {
                return rest.hasPrefix("<svg") && !(rest.dropFirst(4).first?.isLetter ?? true)
            }
        }
    }
}
