import Bytes
import Testing

@testable import HTTPServer

@Suite struct ResponseWriterTests {
    private func written(
        _ response: HTTPResponse, isHead: Bool = false, isVersion1_0: Bool = false, keepsAlive: Bool = true
    ) -> String {
        var output = ByteBuffer()
        let terms = ResponseWriter.Terms(isHead: isHead, isVersion1_0: isVersion1_0, keepsAlive: keepsAlive)
        _ = ResponseWriter.write(response, terms, date: [UInt8]("Date: D\r\n".utf8), to: &output)
        return String(decoding: output.copy(), as: UTF8.self)
    }

    @Test func anAnswerHasDateLengthAndBody() {
        #expect(
            written(.json("{}", status: 404))
                == "HTTP/1.1 404 Not Found\r\nDate: D\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        #expect(written(.empty(200)) == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\n\r\n")
        #expect(written(.empty(299)) == "HTTP/1.1 299 Other\r\nDate: D\r\nContent-Length: 0\r\n\r\n")
    }

    @Test func headHasTheLengthOfTheBodyItLeavesOut() {
        #expect(written(.json("{}"), isHead: true).hasSuffix("Content-Length: 2\r\n\r\n"))
    }

    @Test func statusesWithoutContentHaveNeitherLengthNorBody() {
        for status in [204, 304] {
            let text = written(HTTPResponse(status: status, body: [0x61]))
            #expect(!text.contains("Content-Length"))
            #expect(text.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func connectionIsToldWhereItIsNotTheDefault() {
        #expect(written(.empty(200), keepsAlive: false).contains("\r\nConnection: close\r\n"))
        #expect(written(.empty(200), isVersion1_0: true).contains("\r\nConnection: keep-alive\r\n"))
        #expect(!written(.empty(200)).contains("Connection"))
    }

    @Test func largeBodiesAreWrittenInSlices() {
        let body = (0..<600_000).map { UInt8(truncatingIfNeeded: $0) }
        var output = ByteBuffer()
        var offset = 0
        var slices = 0
        while offset < body.count {
            offset = ResponseWriter.writeSlice(of: body, from: offset, to: &output)
            slices += 1
        }
        #expect(slices == 3)
        #expect(output.copy() == body)
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] as [(Int64, String)])
    func datesAreWrittenAsRFC9110Says(_ seconds: Int64, _ text: String) {
        #expect(DateField.text(secondsSince1970: seconds) == text)
    }
}
