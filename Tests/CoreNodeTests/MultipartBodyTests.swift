import Testing

@testable import CoreNode

@Suite struct MultipartBodyTests {
    private let type = "multipart/form-data; boundary=XX"

    private func body(_ text: String) -> [UInt8] { Array(text.replacing("\n", with: "\r\n").utf8) }

    @Test func filesAreRead() throws {
        let parts = try #require(
            MultipartBody.parts(
                body(
                    """
                    --XX
                    Content-Disposition: form-data; name="note"

                    hello
                    --XX
                    Content-Disposition: form-data; name="file"; filename="a.bin"
                    Content-Type: application/x-image

                    ab
                    --XY
                    cd
                    --XX--
                    """), contentType: type))
        #expect(parts.map(\.name) == ["note", "file"])
        #expect(parts[1].fileName == "a.bin")
        #expect(parts[1].contentType == "application/x-image")
        #expect(String(decoding: parts[1].bytes, as: UTF8.self) == "ab\r\n--XY\r\ncd")
    }

    @Test(arguments: [
        "", "--XX", "--XX\n", "--XX\nContent-Disposition: form-data; name=\"a\"\n\n1", "--YY\n\n1\n--YY--",
        "--XX\nContent-Disposition: form-data\n\n1\n--XX--", "--XX\nnonsense\n\n1\n--XX--",
    ])
    func brokenBodiesAreRefused(_ text: String) {
        #expect(MultipartBody.parts(body(text), contentType: type) == nil)
    }

    @Test func everyProperPrefixIsRefused() {
        let whole = body("--XX\nContent-Disposition: form-data; name=\"a\"\n\n12\n--XX--")
        #expect(MultipartBody.parts(whole, contentType: type)?.count == 1)
        for length in 0..<whole.count {
            #expect(MultipartBody.parts(Array(whole[..<length]), contentType: type) == nil)
        }
    }

    /// Whatever a stranger sends, the parser ends, and what it gives lies inside the body.
    @Test func damagedBodiesAreReadOrRefused() {
        let whole = body(
            """
            --XX
            Content-Disposition: form-data; name="title"

            t
            --XX
            Content-Disposition: form-data; name="file"; filename="a.bin"
            Content-Type: image/png

            0123456789
            --XX--

            """)
        let pieces: [[UInt8]] = [
            Array("--XX".utf8), [13, 10], [13, 10, 13, 10], Array("--".utf8), Array("name=\"".utf8), [0], [0xFF], [],
        ]
        var random = SystemRandomNumberGenerator()
        var accepted = 0
        for _ in 0..<20_000 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) where !damaged.isEmpty {
                let start = Int.random(in: 0..<damaged.count, using: &random)
                let end = min(damaged.count, start + Int.random(in: 0...6, using: &random))
                damaged.replaceSubrange(start..<end, with: pieces.randomElement(using: &random)!)
            }
            guard let parts = MultipartBody.parts(damaged, contentType: type) else { continue }
            accepted += 1
            #expect(parts.count <= 20)
            #expect(parts.allSatisfy { !$0.name.isEmpty && $0.bytes.endIndex <= damaged.count })
        }
        #expect(accepted > 0)
    }

    @Test func moreThanTwentyPartsAreRefused() {
        func form(_ count: Int) -> [UInt8] {
            let part = "--XX\nContent-Disposition: form-data; name=\"a\"\n\n1\n"
            return body(String(repeating: part, count: count) + "--XX--")
        }
        #expect(MultipartBody.parts(form(20), contentType: type)?.count == 20)
        #expect(MultipartBody.parts(form(21), contentType: type) == nil)
    }

    @Test func otherTypesAreRefused() {
        #expect(MultipartBody.parts(body("--XX--"), contentType: "application/json") == nil)
        #expect(MultipartBody.parts(body("--XX--"), contentType: "multipart/form-data") == nil)
    }
}
