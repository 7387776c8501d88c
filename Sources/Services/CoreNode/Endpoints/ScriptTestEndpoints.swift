internal import HTTPServer
internal import JSON
internal import Reactor
internal import ScriptEngine
internal import Storage

/// Tests of scripts that are being written (`rest-api.md` 4.13, `rule-engine.md` 2.5): what is wrong with a script is part
/// of the answer, not an error of the call.
struct ScriptTestEndpoints: EndpointGroup {
    let services: Services
    /// Load balancers give up after 50 s.
    private static let limit: Duration = .seconds(30)

    static let schemas = [
        "ScriptTest": "script:string! scriptType:string! msg:string! msgType:string!",
        "ScriptTestResult": "output:string error:string",
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/ruleChain/tbelEnabled", roles: .tenant, isTBELEnabled)
                .docs("Whether scripts may be written in TBEL"),
            Endpoint(.post, "/api/ruleChain/testScript", roles: .tenant, test)
                .docs(
                    "Runs a script with a message",
                    query: [.choice("scriptLang", ScriptLanguage.allCases.map(\.rawValue))], body: "ScriptTest",
                    answer: "ScriptTestResult"),
        ]
    }

    @Sendable private func isTBELEnabled(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(services.scripts.isEnabled(.tbel) ? "true" : "false")
    }

    @Sendable private func test(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let name = call.text("scriptLang") ?? ScriptLanguage.javaScript.rawValue
        guard let language = ScriptLanguage(rawValue: name) else {
            throw APIError.conversion("scriptLang", name, to: "ScriptLanguage")
        }
        let request = try Request(try call.object(), principal)
        let features = try await UsageRepository(services.database).features(of: principal.tenantID)
        let isAllowed = (language == .javaScript ? features.javaScript : features.tbel) != .disabled
        var (output, problem) = ("", "")
        do throws(ScriptError) {
            guard isAllowed else { throw .disabled }
            guard let use = ScriptUse(rawValue: request.type) else {
                throw .runtime("Unsupported script type: \(request.type)")
            }
            guard let loop = EventLoop.current else { preconditionFailure("requests are handled on event loops") }
            let outcome = await loop.result(within: Self.limit) { [scripts = services.scripts] in
                do throws(ScriptError) {
                    return Result<JSONValue, ScriptError>.success(
                        try await scripts.test(request.source, language, request.message))
                } catch {
                    return .failure(error)
                }
            }
            guard let outcome else {
                throw .unavailable("The script gave no result within \(Self.limit.components.seconds) s!")
            }
            let value = try outcome.get()
            output = try Self.output(value, of: use, language, request.message)
        } catch {
            problem = error.message
        }
        return .json { writer in
            writer.object { writer in
                writer.member("output", output)
                writer.member("error", problem)
            }
        }
    }

    private struct Request {
        let source: ScriptSource
        let type: String
        let message: ScriptMessage

        init(_ body: RequestObject, _ principal: Principal) throws(APIError) {
            func required(_ key: String) throws(APIError) -> String {
                guard let value = body.value(key) else { throw .invalid("'\(key)' is missing") }
                return Self.text(value) ?? ""
            }
            var names = ScriptSource.ArgumentNames.message
            if let given = body.value("argNames")?.arrayValue?.map({ $0.stringValue ?? "" }), given.count == 3 {
                names = ScriptSource.ArgumentNames(data: given[0], metadata: given[1], type: given[2])
                guard given.allSatisfy(Self.isName) else { throw .invalid("'argNames' are not names of arguments") }
            }
            source = ScriptSource(tenant: principal.tenantID, body: try required("script"), argumentNames: names)
            type = try required("scriptType")
            var metadata: [String: String] = [:]
            for (key, value) in body.value("metadata")?.objectValue ?? JSONObject() {
                guard value != .null else { continue }
                guard let text = Self.text(value) else {
                    throw .malformedBody("a text is expected in 'metadata.\(key)'")
                }
                metadata[key] = text
            }
            message = ScriptMessage(data: try required("msg"), metadata: metadata, type: try required("msgType"))
        }

        /// The text of a scalar.
        private static func text(_ value: JSONValue) -> String? {
            switch value {
            case .string(let text): text
            case .array, .object: nil
            case .null, .bool, .integer, .double, .number: ScriptResults.json(value)
            }
        }

        private static func isName(_ text: String) -> Bool {
            guard let first = text.utf8.first, !(0x30...0x39).contains(first), text.utf8.count <= 100 else {
                return false
            }
            return text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"):
                    true
                default: false
                }
            }
        }
    }

    /// What a script returned, as text.
    private static func output(
        _ value: JSONValue, of use: ScriptUse, _ language: ScriptLanguage, _ input: ScriptMessage
    ) throws(ScriptError) -> String {
        let results = ScriptResults(language)
        switch use {
        case .update:
            let messages = try results.messages(value, of: input)
            guard messages.count != 1 else { return try text(of: messages[0]) }
            var texts: [String] = []
            for message in messages { texts.append(try text(of: message)) }
            return "[\(texts.joined(separator: ","))]"
        case .generate: return try text(of: try results.generated(value, of: input))
        case .filter: return try results.boolean(value) ? "true" : "false"
        case .switch: return ScriptResults.json(.array(try results.labels(value).map { .string($0) }))
        case .json: return ScriptResults.json(value)
        case .string: return try results.text(value)
        }
    }

    private static func text(of message: ScriptMessage) throws(ScriptError) -> String {
        let data: JSONValue
        do throws(JSONError) {
            data = try JSONValue.parse(message.data)
        } catch {
            throw .runtime("The message is no JSON: \(error)")
        }
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("msg")
            writer.raw(ScriptResults.json(data))
            writer.key("metadata")
            writer.raw(JavaScriptText.metadata(message.metadata))
            writer.member("msgType", message.type)
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
