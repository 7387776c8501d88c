import TestSupport
import Testing

@testable import HTTPServer

@Suite struct HTTPFuzzTests {
    private static let samples = [
        "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n",
        "POST /x%20y HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: v\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nConnection: keep-alive, upgrade\r\nUpgrade: x\r\n\r\n",
        "HEAD http://h/p HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
    ]
    /// Bytes that mean something somewhere.
    private static let alphabet =
        [UInt8]("\r\n\t :;,=%/?#*[]\u{0}\u{7F}HTTP/1.0123456789abcdefghunked".utf8) + [0x80, 0xFF]

    /// A sample with a few bytes changed, inserted, removed or doubled.
    private func mutated(_ generator: inout SeededRandom) -> [UInt8] {
        var bytes = [UInt8](HTTPFuzzTests.samples.randomElement(using: &generator)!.utf8)
        for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            let byte = HTTPFuzzTests.alphabet.randomElement(using: &generator)!
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[index] = byte
            case 1: bytes.insert(byte, at: index)
            case 2: bytes.remove(at: index)
            default: bytes.insert(contentsOf: bytes[index..<min(index + 12, bytes.count)], at: index)
            }
        }
        return bytes
    }

    /// What the parser makes of the head, as text; the same however the bytes are split.
    private func outcome(_ bytes: [UInt8], parser: HeadParser, splitAt split: Int) -> String {
        var scanner = HeadScanner()
        for end in [split, bytes.count] {
            let found = bytes[..<end].withUnsafeBytes { scanner.scan($0) }
            switch found {
            case .incomplete: continue
            case .malformed(let error): return error.rawValue
            case .complete(let count):
                return bytes[..<count].withUnsafeBytes { raw in
                    do throws(RequestError) {
                        let head = try RequestHead(
                            parsing: raw, with: parser, limits: .init(targetBytes: 50, fields: 8))
                        let request = head.request(peer: "")
                        _ = (request.segments, request.query.names, Array(request.fields))
                        return "\(head.method) \(request.target) \(head.framing)"
                    } catch {
                        return error.rawValue
                    }
                }
            }
        }
        return "incomplete"
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func mutatedHeadsHaveOneMeaningHoweverTheyAreSplit(_ seed: UInt64) {
        var generator = SeededRandom(seed: seed)
        let parser = HeadParser()
        for round in 0..<20_000 {
            let bytes = mutated(&generator)
            let whole = outcome(bytes, parser: parser, splitAt: bytes.count)
            let split = outcome(bytes, parser: parser, splitAt: Int.random(in: 0...bytes.count, using: &generator))
            #expect(whole == split, "seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test func aServerSurvivesMutatedRequests() async throws {
        try await withServer { configuration in
            configuration.headTimeout = .milliseconds(30)
            configuration.bodyPeriod = .milliseconds(30)
            configuration.lingerTime = .milliseconds(5)
        } _: { server in
            var generator = SeededRandom(seed: 4)
            for _ in 0..<60 {
                let client = server.client()
                for _ in 0..<Int.random(in: 1...3, using: &generator) { client.send(mutated(&generator)) }
                client.shutdownOutput()
                let answers = client.receiveToEnd()
                #expect(answers.isEmpty || answers.hasPrefix("HTTP/1.1 "))
            }
            let client = server.client()
            client.send("GET /alive HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveAnswer()?.body == "GET /alive []")
        }
    }
}
