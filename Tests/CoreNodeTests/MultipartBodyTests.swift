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

    @Test func otherTypesAreRefused() {
        #expect(MultipartBody.parts(body("--XX--"), contentType: "application/json") == nil)
        #expect(MultipartBody.parts(body("--XX--"), contentType: "multipart/form-data") == nil)
    }
}
