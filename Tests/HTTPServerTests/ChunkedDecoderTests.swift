import Testing

@testable import HTTPServer

@Suite struct ChunkedDecoderTests {
    /// Decodes in pieces of `step` bytes; what stands behind the coding is returned as well.
    private func decode(
        _ text: String, step: Int, limit: Int = 1000
    ) throws(RequestError) -> (body: String, rest: String)? {
        var decoder = ChunkedDecoder(maximumOverhead: 20)
        var body: [UInt8] = []
        let bytes = [UInt8](text.utf8)
        var start = 0
        while start < bytes.count {
            let piece = Array(bytes[start..<min(start + step, bytes.count)])
            var used = 0
            var result: Result<ChunkedDecoder.Progress, RequestError> = .success(.needsMore)
            piece.withUnsafeBytes { raw in
                do throws(RequestError) {
                    let allowed = limit - body.count
                    result = .success(
                        try decoder.decode(raw, at: &used, limit: allowed) { body.append(contentsOf: $0) })
                } catch {
                    result = .failure(error)
                }
            }
            start += used
            if try result.get() == .finished {
                return (String(decoding: body, as: UTF8.self), String(decoding: bytes[start...], as: UTF8.self))
            }
        }
        return nil
    }

    @Test(arguments: [
        ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", "abc0123456789"),
        ("0005\r\nhello\r\n000\r\n\r\n", "hello"), ("2;a=b\r\nhi\r\n0;c\r\n\r\n", "hi"),
        ("2\r\nhi\r\n0\r\nX: y\r\nZ: w\r\n\r\n", "hi"),
        ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
    ])
    func chunksArePutTogether(_ coded: String, _ body: String) throws {
        for step in [1, 2, 3, 7, 1000] {
            let decoded = try #require(try decode(coded + "NEXT", step: step))
            #expect(decoded.body == body)
            #expect(decoded.rest == "NEXT")
        }
    }

    @Test(arguments: [
        ("\r\n", RequestError.invalidChunk), ("g\r\n", .invalidChunk), (" 5\r\nhello", .invalidChunk),
        ("5 \r\nhello", .invalidChunk), ("-1\r\n", .invalidChunk), ("0x5\r\nhello", .invalidChunk),
        ("5\nhello", .invalidChunk), ("5\rXhello", .invalidChunk), ("5\r\nhelloXX0\r\n\r\n", .invalidChunk),
        ("5\r\nhello\n0\r\n\r\n", .invalidChunk), ("5\r\nhello\r0\r\n\r\n", .invalidChunk),
        ("2;a\nb\r\nhi\r\n", .invalidChunk), ("0\r\n X: y\r\n\r\n", .invalidChunk), ("0\r\nX: y\n\r\n", .invalidChunk),
        ("0\r\n\rX", .invalidChunk), ("11111111111111111\r\n", .invalidChunk), ("FFFFFFFFFFFFFFFF\r\n", .bodyTooLarge),
        ("3e9\r\n", .bodyTooLarge), ("1;aaaaaaaaaaaaaaaaaaaaa\r\n", .headTooLarge),
        ("0\r\nX: aaaaaaaaaaaaaaaaaaaaa\r\n", .headTooLarge),
    ])
    func aMalformedCodingIsRefused(_ coded: String, _ error: RequestError) {
        for step in [1, 1000] {
            #expect(throws: error) { _ = try decode(coded, step: step) }
        }
    }

    @Test func everyProperPrefixNeedsMore() throws {
        let coded = "5;x\r\nhello\r\n0\r\nT: v\r\n\r\n"
        for count in 1..<coded.utf8.count {
            #expect(try decode(String(decoding: coded.utf8.prefix(count), as: UTF8.self), step: 1000) == nil)
        }
    }
}
