internal import Bytes

/// Writes answers into a connection's output.
enum ResponseWriter {
    /// How the end of a body is told.
    enum Framing: Equatable {
        case length(Int)
        case chunked
        /// By the end of the connection: HTTP/1.0 without a known length.
        case close
    }

    /// What an answer needs to know of its request.
    struct Terms {
        var isHead: Bool
        var isVersion1_0: Bool
        var keepsAlive: Bool
    }

    /// The head, and as much of the body as fits one slice, unless the request was HEAD.
    ///
    /// - Returns: Where the body goes on; its count when nothing is left to write.
    static func write(_ response: HTTPResponse, _ terms: Terms, date: [UInt8], to output: inout ByteBuffer) -> Int {
        writeHead(response, .length(response.body.count), terms, date: date, to: &output)
        if terms.isHead || HTTPStatus.forbidsBody(response.status) { return response.body.count }
        return writeSlice(of: response.body, from: 0, to: &output)
    }

    /// At most 256 KiB of a body; returns where it goes on.
    static func writeSlice(of body: [UInt8], from offset: Int, to output: inout ByteBuffer) -> Int {
        let end = min(body.count, offset + 262_144)
        body.withUnsafeBytes { output.append(UnsafeRawBufferPointer(rebasing: $0[offset..<end])) }
        return end
    }

    /// - Parameter date: The field `Date` with its line end.
    static func writeHead(
        _ response: HTTPResponse, _ framing: Framing, _ terms: Terms, date: [UInt8], to output: inout ByteBuffer
    ) {
        if let line = HTTPStatus.statusLine(response.status) {
            output.append(utf8: line)
        } else {
            output.append(utf8: "HTTP/1.1 ")
            append(response.status, to: &output)
            output.append(utf8: " Other\r\n")
        }
        output.append(date)
        for (name, value) in response.fields {
            append(name, to: &output)
            output.append(utf8: ": ")
            append(value, to: &output)
            output.append(utf8: "\r\n")
        }
        writeFraming(response.status, framing, to: &output)
        if !terms.keepsAlive || framing == .close {
            output.append(utf8: "Connection: close\r\n")
        } else if terms.isVersion1_0 {
            output.append(utf8: "Connection: keep-alive\r\n")
        }
        output.append(utf8: "\r\n")
    }

    private static func writeFraming(_ status: Int, _ framing: Framing, to output: inout ByteBuffer) {
        if HTTPStatus.forbidsBody(status) { return }
        switch framing {
        case .length(let count):
            output.append(utf8: "Content-Length: ")
            append(count, to: &output)
            output.append(utf8: "\r\n")
        case .chunked:
            output.append(utf8: "Transfer-Encoding: chunked\r\n")
        case .close:
            break
        }
    }

    /// One chunk with its size; `bytes` is not empty.
    static func writeChunk(_ bytes: [UInt8], to output: inout ByteBuffer) {
        append(bytes.count, radix: 16, to: &output)
        output.append(utf8: "\r\n")
        output.append(bytes)
        output.append(utf8: "\r\n")
    }

    /// Text of a field; a control character, with which a value could end the field or the head, becomes a blank.
    private static func append(_ text: String, to output: inout ByteBuffer) {
        var text = text
        text.withUTF8 { bytes in
            if bytes.allSatisfy({ FieldSyntax.isValueByte($0) }) {
                output.append(UnsafeRawBufferPointer(bytes))
            } else {
                for byte in bytes { output.append(FieldSyntax.isValueByte(byte) ? byte : 0x20) }
            }
        }
    }

    /// - Parameter number: Not negative.
    static func append(_ number: Int, radix: Int = 10, to output: inout ByteBuffer) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number
            var start = digits.count
            repeat {
                start -= 1
                let digit = UInt8(truncatingIfNeeded: rest % radix)
                digits[start] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                rest /= radix
            } while rest > 0
            output.append(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(digits)[start...]))
        }
    }
}
