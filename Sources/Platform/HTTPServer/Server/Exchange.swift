internal import Reactor

/// A request that has not been answered completely.
struct Exchange {
    enum State {
        case waiting
        /// Answered; answers before this one are missing.
        case ready(HTTPResponse)
        /// The body has been written up to the offset; the client is slower than that.
        case sending(HTTPResponse, Int)
        /// The head has been sent, the body is being produced.
        case streaming(ResponseStream)
    }

    var state: State
    let method: HTTPMethod
    let isVersion1_0: Bool
    var keepsAlive: Bool
    let started: MonotonicTime
    /// Bytes of the request's body, held by its responder.
    var bodyBytes = 0
    var onCancel: (@Sendable () -> Void)?

    var isWaiting: Bool {
        if case .waiting = state { true } else { false }
    }

    var terms: ResponseWriter.Terms {
        ResponseWriter.Terms(isHead: method == .head, isVersion1_0: isVersion1_0, keepsAlive: keepsAlive)
    }
}
