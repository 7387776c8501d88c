/// Why a request was refused before anybody could answer it. The raw value is the metric's label.
public enum RequestError: String, Error, Sendable, CaseIterable {
    case malformedRequestLine = "malformed_request_line"
    case unknownMethod = "unknown_method"
    case unsupportedVersion = "unsupported_version"
    case invalidTarget = "invalid_target"
    case targetTooLong = "target_too_long"
    case headTooLarge = "head_too_large"
    case tooManyFields = "too_many_fields"
    case bareLineFeed = "bare_line_feed"
    case bareCarriageReturn = "bare_carriage_return"
    case foldedField = "folded_field"
    case invalidFieldName = "invalid_field_name"
    case invalidFieldValue = "invalid_field_value"
    case missingHost = "missing_host"
    case duplicateHost = "duplicate_host"
    case invalidHost = "invalid_host"
    case hostMismatch = "host_mismatch"
    case invalidContentLength = "invalid_content_length"
    case duplicateContentLength = "duplicate_content_length"
    case lengthAndTransferEncoding = "length_and_transfer_encoding"
    case unsupportedTransferCoding = "unsupported_transfer_coding"
    case unsupportedExpectation = "unsupported_expectation"
    case invalidChunk = "invalid_chunk"
    case bodyTooLarge = "body_too_large"
    case headTimeout = "head_timeout"
    case bodyTimeout = "body_timeout"
    case overloaded = "overloaded"
    case answerTimeout = "answer_timeout"

    /// The status that tells the client.
    public var status: Int {
        switch self {
        case .unknownMethod: 501
        case .unsupportedVersion: 505
        case .targetTooLong: 414
        case .headTooLarge, .tooManyFields: 431
        case .bodyTooLarge: 413
        case .unsupportedExpectation: 417
        case .headTimeout, .bodyTimeout: 408
        case .overloaded, .answerTimeout: 503
        case .malformedRequestLine, .invalidTarget, .bareLineFeed, .bareCarriageReturn, .foldedField,
            .invalidFieldName, .invalidFieldValue, .missingHost, .duplicateHost, .invalidHost, .hostMismatch,
            .invalidContentLength, .duplicateContentLength, .lengthAndTransferEncoding, .unsupportedTransferCoding,
            .invalidChunk:
            400
        }
    }

    /// For people who write clients.
    public var message: String {
        switch self {
        case .malformedRequestLine: "The request line is malformed"
        case .unknownMethod: "The request method is unknown"
        case .unsupportedVersion: "Only HTTP/1.1 and HTTP/1.0 are supported"
        case .invalidTarget: "The request target is invalid"
        case .targetTooLong: "The request target is too long"
        case .headTooLarge: "The request header is too large"
        case .tooManyFields: "The request has too many header fields"
        case .bareLineFeed: "A line of the request ends without a carriage return"
        case .bareCarriageReturn: "A line of the request contains a carriage return"
        case .foldedField: "A header field is continued on a second line"
        case .invalidFieldName: "A header field has an invalid name"
        case .invalidFieldValue: "A header field has an invalid value"
        case .missingHost: "The Host field is missing"
        case .duplicateHost: "The Host field occurs more than once"
        case .invalidHost: "The Host field is invalid"
        case .hostMismatch: "The Host field differs from the request target"
        case .invalidContentLength: "The Content-Length field is invalid"
        case .duplicateContentLength: "The Content-Length field occurs more than once"
        case .lengthAndTransferEncoding: "Content-Length and Transfer-Encoding exclude each other"
        case .unsupportedTransferCoding: "The only supported transfer coding is chunked"
        case .unsupportedExpectation: "The only supported expectation is 100-continue"
        case .invalidChunk: "The chunked body is malformed"
        case .bodyTooLarge: "The request body is too large"
        case .headTimeout: "The request header did not arrive in time"
        case .bodyTimeout: "The request body did not arrive in time"
        case .overloaded: "The server is overloaded"
        case .answerTimeout: "The request timed out"
        }
    }
}
