public import HTTPServer
internal import Storage

/// Answers to requests that the server refuses before the service sees them: too large, malformed, too slow
/// (`rest-api.md` 2.1).
public enum RequestRefusal {
    /// The error object of ``APIError``, for the configuration of the server.
    public static let render: HTTPErrorRenderer = { status, message, request in
        let code: APIError.Code = status < 500 ? .badRequest : .general
        var response = APIError(status, code, message).response(now: CurrentTime.milliseconds)
        if let request { ResponseFields.add(to: &response, for: request) }
        return response
    }
}
