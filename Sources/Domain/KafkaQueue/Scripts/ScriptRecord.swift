import JSON
import Messages
import Model

/// Requests and replies as JSON text (`rule-engine.md` 6.3): the mapping of protobuf's JSON form, in which an executor of the
/// reference platform reads and writes them. What has its default value may be missing.
///
///     {"invokeRequest":{"scriptHash":"…","functionName":"invokeInternal_…","timeout":2000,"args":["{}","{}","T"]}}
///     {"requestIdMSB":"-1","requestIdLSB":"7","invokeResponse":{"success":true,"result":"{\"msg\":{}}"}}
enum ScriptRecord {
    // MARK: - Requests

    static func encode(_ request: ScriptRequest) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            switch request {
            case .compile(let key, let body):
                writer.key("compileRequest")
                writer.object { writer in
                    write(key, &writer)
                    writer.member("scriptBody", body)
                }
            case .invoke(let key, let arguments, let milliseconds, let body):
                writer.key("invokeRequest")
                writer.object { writer in
                    write(key, &writer)
                    if let body { writer.member("scriptBody", body) }
                    writer.member("timeout", milliseconds)
                    writer.key("args")
                    writer.array { writer in for argument in arguments { writer.value(argument) } }
                }
            case .release(let key):
                writer.key("releaseRequest")
                writer.object { writer in write(key, &writer) }
            }
        }
        return writer.bytes
    }

    private static func write(_ key: ScriptKey, _ writer: inout JSONWriter) {
        writer.member("functionName", key.functionName)
        writer.member("scriptHash", key.hash)
    }

    /// `nil` for what is no request.
    static func request(_ bytes: UnsafeRawBufferPointer) -> ScriptRequest? {
        guard let object = object(bytes) else { return nil }
        if let compile = object["compileRequest"]?.objectValue, let key = key(compile) {
            return .compile(key, body: compile["scriptBody"]?.stringValue ?? "")
        }
        if let invoke = object["invokeRequest"]?.objectValue, let key = key(invoke) {
            let arguments = invoke["args"]?.arrayValue ?? []
            let texts = arguments.compactMap(\.stringValue)
            let body = invoke["scriptBody"]?.stringValue ?? ""
            guard texts.count == arguments.count, let timeout = integer(invoke["timeout"]), timeout >= 0 else {
                return nil
            }
            return .invoke(key, arguments: texts, milliseconds: Int(timeout), body: body.isEmpty ? nil : body)
        }
        if let release = object["releaseRequest"]?.objectValue, let key = key(release) { return .release(key) }
        return nil
    }

    private static func key(_ object: JSONObject) -> ScriptKey? {
        guard let hash = object["scriptHash"]?.stringValue, !hash.isEmpty else { return nil }
        return ScriptKey(hash: hash, functionName: object["functionName"]?.stringValue ?? "")
    }

    // MARK: - Replies

    /// - Parameter request: what is answered; a failure is told as the answer to its kind.
    static func encode(_ reply: ScriptReply, to request: ScriptRequest, id: UUID128) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("requestIdMSB", String(Int64(bitPattern: id.high)))
            writer.member("requestIdLSB", String(Int64(bitPattern: id.low)))
            switch request {
            case .compile: writer.key("compileResponse")
            case .invoke: writer.key("invokeResponse")
            case .release: writer.key("releaseResponse")
            }
            writer.object { writer in
                write(reply, &writer)
                if case .invoke = request { return }
                writer.member("scriptHash", request.key.hash)
            }
        }
        return writer.bytes
    }

    private static func write(_ reply: ScriptReply, _ writer: inout JSONWriter) {
        switch reply {
        case .compiled, .released:
            writer.member("success", true)
        case .result(let text):
            writer.member("success", true)
            if !text.isEmpty { writer.member("result", text) }
        case .failed(let failure, let details):
            writer.member("success", false)
            writer.member("errorCode", failure.code)
            if let reason = failure.reason { writer.member("errorReason", reason) }
            writer.member("errorDetails", details)
        }
    }

    /// `nil` for what is no reply.
    static func reply(_ bytes: UnsafeRawBufferPointer) -> ScriptReply? {
        guard let object = object(bytes) else { return nil }
        if let compiled = object["compileResponse"]?.objectValue { return failure(compiled) ?? .compiled }
        if let invoked = object["invokeResponse"]?.objectValue {
            return failure(invoked) ?? .result(invoked["result"]?.stringValue ?? "")
        }
        if let released = object["releaseResponse"]?.objectValue { return failure(released) ?? .released }
        return nil
    }

    private static func failure(_ object: JSONObject) -> ScriptReply? {
        guard object["success"]?.boolValue != true else { return nil }
        let details = object["errorDetails"]?.stringValue ?? ""
        let reason = object["errorReason"]?.stringValue
        if let reason, let failure = ScriptFailure.allCases.first(where: { $0.reason == reason }) {
            return .failed(failure, details: details)
        }
        return .failed(failureCode(object["errorCode"]), details: details)
    }

    /// A number, or protobuf's name of it.
    private static func failureCode(_ value: JSONValue?) -> ScriptFailure {
        switch value?.stringValue {
        case "RUNTIME_ERROR": return .runtime
        case "TIMEOUT_ERROR": return .timeout
        case "NOT_FOUND_ERROR": return .notFound
        case "COMPILATION_ERROR": return .compilation
        default:
            let code = integer(value)
            return ScriptFailure.allCases.first { $0.reason == nil && Int64($0.code) == code } ?? .runtime
        }
    }

    // MARK: - JSON

    private static func object(_ bytes: UnsafeRawBufferPointer) -> JSONObject? {
        guard let value = try? JSONValue.parse(Array(bytes)) else { return nil }
        return value.objectValue
    }

    /// 0 for what is missing; protobuf's form of a whole number may be a text.
    private static func integer(_ value: JSONValue?) -> Int64? {
        switch value {
        case nil, .null?: 0
        case .string(let text)?: Int64(text)
        case let value?: value.integerValue
        }
    }
}

extension ScriptFailure {
    /// `JsInvokeErrorCode` (`cluster.md` 3).
    fileprivate var code: Int {
        switch self {
        case .compilation: 0
        case .runtime, .tooLarge, .crashed, .unavailable: 1
        case .timeout: 2
        case .notFound: 3
        }
    }

    /// What the codes do not tell apart. Others leave the field out of what they read.
    fileprivate var reason: String? {
        switch self {
        case .tooLarge: "TOO_LARGE"
        case .crashed: "CRASHED"
        case .unavailable: "UNAVAILABLE"
        case .compilation, .runtime, .timeout, .notFound: nil
        }
    }
}
