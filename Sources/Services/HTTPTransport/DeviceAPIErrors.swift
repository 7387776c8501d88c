import Glibc
public import HTTPServer
import JSON
import Telemetry

/// The bodies of refusals (`device-api.md` 4.3).
public enum DeviceAPIErrors {
    /// Error numbers of the platform (`rest-api.md` 2.10).
    private static let general = 2
    private static let badRequest = 31
    private static let itemNotFound = 32

    /// Bytes of a payload that are shown back to its sender.
    private static let maximumEchoBytes = 256

    /// For ``HTTPServerConfiguration/errorRenderer``: 413 is a JSON string, everything else the error object.
    public static let renderer: HTTPErrorRenderer = { status, message, _ in
        if status == 413 { return .json(quoted(message), status: status) }
        return object(status: status, message: message, code: badRequest)
    }

    static func notFound(_ request: HTTPRequest) -> HTTPResponse {
        object(status: 404, message: "No static resource \(request.path.dropFirst()).", code: itemNotFound)
    }

    static func methodNotAllowed(_ request: HTTPRequest, _ methods: [HTTPMethod]) -> HTTPResponse {
        var response = object(
            status: 405, message: "Request method '\(request.method)' is not supported", code: badRequest)
        response.fields.append(("Allow", methods.map(\.name).joined(separator: ", ")))
        return response
    }

    static func badRequest(_ message: String) -> HTTPResponse {
        object(status: 400, message: message, code: badRequest)
    }

    /// A parameter that is not of its type.
    static func conversion(_ name: String, _ value: String, _ type: String) -> HTTPResponse {
        let shown = value.utf8.count <= maximumEchoBytes ? value : ""
        return badRequest(
            "Failed to convert value of parameter '\(name)' to required type '\(type)'; value: \"\(shown)\"")
    }

    static var notAcceptable: HTTPResponse {
        object(status: 406, message: "No acceptable representation", code: badRequest)
    }

    static var overloaded: HTTPResponse {
        object(status: 503, message: "The server is busy, please try again later", code: general)
    }

    /// A body that is no JSON object.
    static func invalid(_ payload: [UInt8]) -> HTTPResponse {
        .json("Can't parse value: \(echo(payload))", status: 500)
    }

    /// A request to be provisioned that lacks something.
    static func invalidProvisioning(_ payload: [UInt8]) -> HTTPResponse {
        let value = try? JSONValue.parse(payload)
        let text = echo(value.map { Array($0.serializedString.utf8) } ?? payload)
        let object = value?.objectValue
        for key in ["provisionDeviceKey", "provisionDeviceSecret"] where object != nil && object?[key] == nil {
            return Self.object(
                status: 500, message: "Failed to find the field \(key) in JSON body \(text)!", code: general)
        }
        return Self.object(
            status: 500, message: object == nil ? "Can't parse value: \(text)" : "Invalid provisioning request",
            code: general)
    }

    static var missingBody: HTTPResponse {
        object(status: 400, message: "Required request body is missing", code: badRequest)
    }

    /// 500 with a text, or without one when only the time is wrong.
    static func invalidPayload(_ error: TelemetryError, _ payload: [UInt8]) -> HTTPResponse {
        switch error {
        case .invalidTimestamp:
            .empty(500)
        case .notAnObject:
            .json("Can't parse value: \(echo(payload))", status: 500)
        case .notJSON, .valuesNotAnObject, .nullValue, .blankKey, .keyTooLong, .stringTooLong, .numberOutOfRange:
            .json(error.description, status: 500)
        }
    }

    /// The payload as far as it is short and text.
    private static func echo(_ payload: [UInt8]) -> String {
        guard payload.count <= maximumEchoBytes, let text = String(validating: payload, as: UTF8.self) else {
            return "an object or an array of objects is expected"
        }
        return text
    }

    private static func object(status: Int, message: String, code: Int) -> HTTPResponse {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let milliseconds = time.tv_sec * 1000 + time.tv_nsec / 1_000_000
        return .json(
            #"{"status":\#(status),"message":\#(quoted(message)),"errorCode":\#(code),"timestamp":\#(milliseconds)}"#,
            status: status)
    }

    /// A JSON string.
    private static func quoted(_ text: String) -> String { JSONValue.string(text).serializedString }
}
