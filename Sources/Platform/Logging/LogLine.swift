/// The bytes of one log line, from time to line feed.
///
/// A line is at most ``LogLine/maximumBytes`` long, so that one `write(2)` to a pipe is atomic and a line that fits is
/// never torn by another one. Metadata that does not fit is left out, and the line says so.
struct LogLine {
    /// `PIPE_BUF` of Linux.
    static let maximumBytes = 4096
    /// What one value may take, in bytes, before it is cut.
    static let maximumValueBytes = 1024

    private(set) var bytes: [UInt8] = []
    private let format: LogFormat

    init(
        format: LogFormat, milliseconds: Int64, level: LogLevel, label: String, message: StaticString,
        metadata: LogMetadata, suppressed: Int
    ) {
        self.format = format
        bytes.reserveCapacity(256)
        switch format {
        case .text: appendTextHead(milliseconds, level, label, message)
        case .json: appendJSONHead(milliseconds, level, label, message)
        }
        for (key, value) in metadata.pairs { append(key: key, value) }
        if suppressed > 0 { append(key: "suppressed", .integer(suppressed)) }
        if format == .json { append("}") }
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func appendTextHead(
        _ milliseconds: Int64, _ level: LogLevel, _ label: String, _ message: StaticString
    ) {
        Timestamp(milliseconds: milliseconds).append(to: &bytes)
        append(" ")
        append(level.column)
        append(" ")
        appendEscaped(label)
        append(": ")
        append(message)
    }

    private mutating func appendJSONHead(
        _ milliseconds: Int64, _ level: LogLevel, _ label: String, _ message: StaticString
    ) {
        append("{\"time\":\"")
        Timestamp(milliseconds: milliseconds).append(to: &bytes)
        append("\",\"level\":\"")
        append(level.name)
        append("\",\"logger\":\"")
        appendEscaped(label)
        append("\",\"message\":\"")
        message.withUTF8Buffer { appendEscaped(String(decoding: $0, as: UTF8.self)) }
        append("\"")
    }

    /// Names that a JSON line uses itself.
    private static let ownNames: Set<String> = ["time", "level", "logger", "message"]

    private mutating func append(key: String, _ value: LogValue) {
        let start = bytes.count
        switch format {
        case .text:
            append(" ")
            appendEscaped(key)
            append("=")
        case .json:
            append(Self.ownNames.contains(key) ? ",\"metadata." : ",\"")
            appendEscaped(key)
            append("\":")
        }
        append(value: value)
        // Room for what a line always ends with, and for saying that something is missing.
        let notice: StaticString = format == .json ? ",\"truncated\":true" : " truncated=true"
        if bytes.count > Self.maximumBytes - notice.utf8CodeUnitCount - 32 {
            bytes.removeSubrange(start...)
            if !isTruncated { append(notice) }
            isTruncated = true
        }
    }

    private var isTruncated = false

    private mutating func append(value: LogValue) {
        switch value {
        case .string(let text):
            append("\"")
            appendEscaped(text)
            append("\"")
        case .integer(let number): bytes.append(contentsOf: String(number).utf8)
        case .boolean(let flag): append(flag ? "true" : "false")
        case .double(let number):
            // JSON has no words for what is not finite.
            let quote = format == .json && !number.isFinite
            if quote { append("\"") }
            bytes.append(contentsOf: number.description.utf8)
            if quote { append("\"") }
        }
    }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Appends `text` as inside a JSON string; whatever could end the line or steer a terminal is escaped.
    private mutating func appendEscaped(_ text: String) {
        let limit = bytes.count + Self.maximumValueBytes
        for scalar in text.unicodeScalars {
            guard bytes.count < limit else {
                append("…")
                return
            }
            switch scalar.value {
            case 0x22: append("\\\"")
            case 0x5C: append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0x20..<0x7F: bytes.append(UInt8(scalar.value))
            // C0, DEL, C1, line and paragraph separators, and the marks that turn the direction of text.
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069:
                appendHexEscape(scalar.value)
            default: bytes.append(contentsOf: UTF8.encode(scalar)!)  // A Unicode.Scalar always has a UTF-8 form.
            }
        }
    }

    private mutating func appendHexEscape(_ value: UInt32) {
        append("\\u")
        for shift: UInt32 in [12, 8, 4, 0] {
            let digit = UInt8(value >> shift & 15)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
