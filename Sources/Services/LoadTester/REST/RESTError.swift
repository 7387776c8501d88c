/// Why a management call gave nothing.
enum RESTError: Error, CustomStringConvertible {
    /// No answer: refused, lost, too late.
    case transport(String)
    /// An answer with another status than the call can use.
    case status(Int, call: String, message: String)
    /// An answer that is not what the call promises.
    case unexpectedAnswer(call: String)

    var description: String {
        switch self {
        case .transport(let text): "no answer from the REST API: \(text)"
        case .status(let status, let call, let message): "\(call) answered \(status): \(message)"
        case .unexpectedAnswer(let call): "\(call) answered something else than expected"
        }
    }

    /// Whether the same call may succeed a little later.
    var mayPass: Bool {
        switch self {
        case .transport: true
        case .status(let status, _, _): status == 429 || status >= 500
        case .unexpectedAnswer: false
        }
    }
}
