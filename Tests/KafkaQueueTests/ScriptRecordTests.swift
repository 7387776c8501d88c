import JSON
import Messages
import Model
import Reactor
import Testing

@testable import KafkaQueue

/// Requests and replies as an executor of the reference platform writes and reads them, and what is counted about them.
@Suite struct ScriptRecordTests {
    private let key = ScriptKey(hash: "0a1b", functionName: "invokeInternal_0a1b")

    private func request(_ text: String) -> ScriptRequest? {
        Array(text.utf8).withUnsafeBytes { ScriptRecord.request($0) }
    }

    private func reply(_ text: String) -> ScriptReply? { Array(text.utf8).withUnsafeBytes { ScriptRecord.reply($0) } }

    @Test func requestsComeBackAsTheyWere() {
        let requests: [ScriptRequest] = [
            .compile(key, body: "function invokeInternal_0a1b(a) { return \"ü\\n\"; }"),
            .invoke(key, arguments: ["{\"a\":\"\\u0000\"}", "{}", "T\u{1F600}"], milliseconds: 2000, body: nil),
            .invoke(key, arguments: [], milliseconds: 0, body: "function (){}"), .release(key),
        ]
        for sent in requests {
            #expect(ScriptRecord.encode(sent).withUnsafeBytes { ScriptRecord.request($0) } == sent)
        }
    }

    @Test func anInvocationIsTheTextThatExecutorsKnow() throws {
        let sent = ScriptRequest.invoke(key, arguments: ["{}", "{}", "T"], milliseconds: 2000, body: nil)
        let text = String(decoding: ScriptRecord.encode(sent), as: UTF8.self)
        #expect(
            text == #"{"invokeRequest":{"functionName":"invokeInternal_0a1b","scriptHash":"0a1b","timeout":2000,"#
                + #""args":["{}","{}","T"]}}"#)
    }

    @Test func requestsOfOthersAreRead() {
        // Protobuf's printer writes indents, and nothing that has its default value.
        let text =
            "{\n  \"invokeRequest\": {\n    \"functionName\": \"f\",\n    \"args\": [\"{}\", \"{}\", \"T\"],\n"
            + "    \"scriptHash\": \"h\", \"later\": 1\n  }\n}"
        let key = ScriptKey(hash: "h", functionName: "f")
        #expect(request(text) == .invoke(key, arguments: ["{}", "{}", "T"], milliseconds: 0, body: nil))
        #expect(request(#"{"releaseRequest":{"scriptHash":"h","functionName":"f"}}"#) == .release(key))
    }

    @Test(arguments: [
        "", "7", "{}", "{\"invokeRequest\":{}}", "{\"invokeRequest\":{\"scriptHash\":7}}", "{\"compileRequest\":null}",
        "{\"invokeRequest\":{\"scriptHash\":\"h\",\"args\":[1]}}",
        "{\"invokeRequest\":{\"scriptHash\":\"h\",\"timeout\":-1}}",
        "{\"invokeRequest\":{\"scriptHash\":\"h\",\"timeout\":\"soon\"}}",
    ])
    func whatIsNoRequestIsRefused(_ text: String) { #expect(request(text) == nil) }

    @Test func repliesComeBackAsTheyWere() {
        let invoke = ScriptRequest.invoke(key, arguments: [], milliseconds: 1, body: nil)
        let exchanges: [(ScriptRequest, ScriptReply)] =
            [
                (.compile(key, body: "x"), .compiled),
                (.compile(key, body: "x"), .failed(.compilation, details: "SyntaxError: x")),
                (invoke, .result("{\"msg\":1}")), (invoke, .result("")), (invoke, .failed(.notFound, details: "who?")),
                (.release(key), .released),
            ] + ScriptFailure.allCases.map { (invoke, .failed($0, details: "why")) }
        for (request, sent) in exchanges {
            let bytes = ScriptRecord.encode(sent, to: request, id: .random())
            #expect(bytes.withUnsafeBytes { ScriptRecord.reply($0) } == sent)
        }
    }

    @Test func aReplyNamesItsRequestAsTheReferencePlatformDoes() throws {
        let id = UUID128(high: 0xFFFF_FFFF_FFFF_FFFF, low: 7)
        let text = String(decoding: ScriptRecord.encode(.compiled, to: .compile(key, body: ""), id: id), as: UTF8.self)
        #expect(
            text == #"{"requestIdMSB":"-1","requestIdLSB":"7","compileResponse":{"success":true,"scriptHash":"0a1b"}}"#)
    }

    @Test func repliesOfOthersAreRead() {
        #expect(reply(#"{"invokeResponse":{"success":true}}"#) == .result(""))
        #expect(
            reply(#"{"invokeResponse":{"errorCode":"TIMEOUT_ERROR","errorDetails":"slow"}}"#)
                == .failed(.timeout, details: "slow"))
        // What is missing is protobuf's first value.
        #expect(reply(#"{"compileResponse":{"success":false}}"#) == .failed(.compilation, details: ""))
        #expect(reply(#"{"invokeResponse":{"success":false,"errorCode":3}}"#) == .failed(.notFound, details: ""))
        #expect(reply(#"{"requestIdMSB":"1"}"#) == nil)
        #expect(reply("nothing") == nil)
    }

    // MARK: - Who waits

    @Test func whoWaitsIsFoundOnceAndOnlyInTime() {
        var pending = PendingReplies<String>(maximum: 2)
        let now = MonotonicTime.now()
        let first = pending.add("a", until: now + .seconds(10))
        let second = pending.add("b", until: now + .seconds(5))
        #expect(pending.add("c", until: now + .seconds(5)) == nil)
        #expect(pending.takeOverdue(now + .seconds(4)).isEmpty)
        #expect(pending.takeOverdue(now + .seconds(5)) == ["b"])
        #expect(pending.take(second!) == nil)
        #expect(pending.take(first!) == "a")
        #expect(pending.take(first!) == nil)
        #expect(pending.add("d", until: now + .seconds(1)) != first)
        #expect(pending.takeOverdue(now + .seconds(1)) == ["d"])
        #expect(pending.count == 0)
    }

    // MARK: - What is committed

    @Test func onlyWhatIsDoneIsCommittedAndOnlyOfOwnPartitions() {
        var offsets = OffsetsInWork()
        for offset in 5..<8 { offsets.begin(Int64(offset), of: 0) }
        offsets.begin(40, of: 1)
        offsets.finish(6, of: 0)
        #expect(offsets.takeCommittable([0, 1]) == [0: 5, 1: 40])
        offsets.finish(5, of: 0)
        #expect(offsets.takeCommittable([0, 1]) == [0: 7])
        #expect(offsets.takeCommittable([0, 1]) == [:])
        #expect(offsets.takeCommittable([0, 1], again: true) == [0: 7, 1: 40])
        offsets.finish(7, of: 0)
        // Partition 0 went to somebody else.
        #expect(offsets.takeCommittable([1]) == [:])
        #expect(offsets.count == 1)
        // And came back, where the other has left it.
        offsets.begin(100, of: 0)
        offsets.finish(100, of: 0)
        #expect(offsets.takeCommittable([0, 1]) == [0: 101])
    }
}
