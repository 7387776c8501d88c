/// A part of a `multipart/form-data` body (RFC 7578).
struct MultipartPart: Equatable {
    var name: String
    var fileName: String?
    var contentType: String?
    var bytes: ArraySlice<UInt8>
}

/// Reads bodies of forms with files.
enum MultipartBody {
    private static let maximumParts = 20
    private static let maximumHeaderBytes = 8_192
    private static let lineEnd: [UInt8] = [13, 10]

    /// The parts of a body with that `Content-Type`; `nil` when it is none or breaks the rules.
    static func parts(_ body: [UInt8], contentType: String) -> [MultipartPart]? {
        guard contentType.lowercased().hasPrefix("multipart/form-data"),
            let boundary = parameter("boundary", of: contentType), (1...70).contains(boundary.utf8.count)
        else { return nil }
        let delimiter = Array("--\(boundary)".utf8)
        guard body.starts(with: delimiter) else { return nil }
        var parts: [MultipartPart] = []
        var position = delimiter.count
        while true {
            if body[position...].starts(with: "--".utf8) { return parts }
            guard body[position...].starts(with: lineEnd), parts.count < maximumParts else { return nil }
            position += 2
            guard let headerEnd = find(lineEnd + lineEnd, in: body, from: position),
                headerEnd - position <= maximumHeaderBytes,
                let end = find(lineEnd + delimiter, in: body, from: headerEnd + 2),
                let part = part(body[position..<headerEnd], body[min(headerEnd + 4, end)..<end])
            else { return nil }
            parts.append(part)
            position = end + 2 + delimiter.count
        }
    }

    private static func part(_ header: ArraySlice<UInt8>, _ bytes: ArraySlice<UInt8>) -> MultipartPart? {
        var part = MultipartPart(name: "", bytes: bytes)
        for line in String(decoding: header, as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = String(line[line.index(after: colon)...].drop { $0 == " " })
            switch line[..<colon].lowercased() {
            case "content-disposition":
                guard let name = parameter("name", of: value) else { return nil }
                part.name = name
                part.fileName = parameter("filename", of: value)
            case "content-type": part.contentType = value
            default: break
            }
        }
        return part.name.isEmpty ? nil : part
    }

    /// A parameter of a header field, quoted or not.
    private static func parameter(_ name: String, of field: String) -> String? {
        for piece in field.split(separator: ";").dropFirst() {
            let piece = piece.drop { $0 == " " }
            guard let equals = piece.firstIndex(of: "="), piece[..<equals].lowercased() == name else { continue }
            let value = piece[piece.index(after: equals)...]
            if value.hasPrefix("\""), value.hasSuffix("\""), value.utf8.count >= 2 {
                return String(value.dropFirst().dropLast())
            }
            return String(value)
        }
        return nil
    }

    /// Where `needle` begins at or behind `start`.
    private static func find(_ needle: [UInt8], in body: [UInt8], from start: Int) -> Int? {
        guard start >= 0, body.count >= needle.count, start <= body.count - needle.count else { return nil }
        return body.withUnsafeBufferPointer { body in
            let last = body.count - needle.count
            var position = start
            while position <= last {
                // The first byte is a carriage return, which is rare in data.
                guard body[position] == needle[0] else {
                    position += 1
                    continue
                }
                var length = 1
                while length < needle.count, body[position + length] == needle[length] { length += 1 }
                if length == needle.count { return position }
                position += 1
            }
            return nil
        }
    }
}
