import Glibc
public import HTTPServer
import Telemetry

/// The bodies of refusals (`device-api.md` 4.3).
public enum DeviceAPIErrors {
    /// Error numbers of the platform (`rest-api.md` 2.10).
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

    static func methodNotAllowed(_ request: HTTPRequest) -> HTTPResponse {
        var response = object(
            status: 405, message: "Request method '\(request.method)' is not supported", code: badRequest)
        response.fields.append(("Allow", "POST"))
        return response
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

    /// A JSON string. Messages hold printable ASCII only.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for character in text.unicodeScalars {
            if character == "\"" || character == "\\" { quoted.append("\\") }
            quoted.unicodeScalars.append(character)
        }
        return quoted + "\""
    }
}
