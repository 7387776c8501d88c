public import Bytes

/// Reads the frames of a client (RFC 6455 5). A value without I/O; the bytes may be cut anywhere.
///
///     while let event = try decoder.next(in: bytes, at: &offset) {
///         switch event {
///         case .payload(let part): decoder.take(part.count, of: bytes, at: &offset, into: &message)
///         ...
///         }
///     }                                        // bytes from offset on are presented again, with more behind them
public struct WebSocketDecoder: Sendable {
    /// What stands next in the input.
    public enum Event: Equatable, Sendable {
        /// A part of a message, still masked and not consumed: ``WebSocketDecoder/take(_:of:at:into:)`` does that.
        case payload(Part)
        case ping([UInt8])
        case pong([UInt8])
        /// The client closes, with its code if it gave one.
        case close(WebSocketCloseCode?)
    }

    /// A part of a message: as much as has arrived of a frame.
    public struct Part: Equatable, Sendable {
        /// Text is not checked to be UTF-8.
        public var isText: Bool
        /// Bytes that are there; 0 only for an empty frame.
        public var count: Int
        /// Whether the message ends with these bytes.
        public var endsMessage: Bool
    }

    private struct Frame {
        var header: WebSocketFrameHeader
        /// Bytes of the payload that were taken.
        var position: UInt64 = 0
        var isTaken = false
    }

    /// The frame that is being read.
    private var frame: Frame?
    /// The kind of the message that has begun and not ended.
    private var message: WebSocketOpcode?
    private var messageLength: UInt64 = 0
    private let maximumMessageLength: UInt64

    /// - Parameter maximumMessageLength: Bytes of all parts of a message together. Streams have no limit: they are taken as
    ///   they come.
    public init(maximumMessageLength: UInt64 = .max) {
        self.maximumMessageLength = maximumMessageLength
    }

    /// The next event at `offset`, which moves behind the headers and control frames that were read; `nil` when more bytes
    /// are needed.
    public mutating func next(in bytes: Span<UInt8>, at offset: inout Int) throws(WebSocketError) -> Event? {
        while true {
            if let frame {
                if frame.position < frame.header.length || !frame.isTaken {
                    return part(of: frame, available: bytes.count - offset).map { .payload($0) }
                }
                if frame.header.isFinal {
                    message = nil
                    messageLength = 0
                }
                self.frame = nil
            }
            guard let header = try WebSocketFrameHeader(bytes, at: offset) else { return nil }
            if header.opcode.isControl {
                // At most 125 bytes: it is read when it is whole.
                let end = offset + header.byteCount + Int(header.length)
                guard bytes.count >= end else { return nil }
                let payload = unmasked(bytes.extracting((offset + header.byteCount)..<end), header.mask)
                offset = end
                return try control(header.opcode, payload)
            }
            try begin(header)
            offset += header.byteCount
        }
    }

    private func part(of frame: Frame, available: Int) -> Part? {
        let missing = frame.header.length - frame.position
        let count = Int(min(UInt64(available), missing))
        guard count > 0 || missing == 0 else { return nil }
        return Part(
            isText: message == .text, count: count,
            endsMessage: frame.header.isFinal && UInt64(count) == missing)
    }

    private mutating func begin(_ header: WebSocketFrameHeader) throws(WebSocketError) {
        if header.opcode == .continuation {
            guard message != nil else { throw .invalidFragment }
        } else {
            guard message == nil else { throw .invalidFragment }
        }
        let (length, isAbsurd) = messageLength.addingReportingOverflow(header.length)
        guard !isAbsurd, length <= maximumMessageLength else { throw .messageTooBig }
        messageLength = length
        if header.opcode != .continuation { message = header.opcode }
        frame = Frame(header: header)
    }

    private func control(_ opcode: WebSocketOpcode, _ payload: [UInt8]) throws(WebSocketError) -> Event {
        switch opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        case .close:
            guard !payload.isEmpty else { return .close(nil) }
            guard payload.count >= 2 else { throw .invalidCloseCode }
            let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
            guard code.maySend else { throw .invalidCloseCode }
            guard String(validating: payload[2...], as: UTF8.self) != nil else { throw .invalidCloseReason }
            return .close(code)
        case .continuation, .text, .binary: preconditionFailure("\(opcode) is no control frame")
        }
    }

    // MARK: - Payload

    /// Appends the next `count` bytes of the payload, unmasked, and moves `offset` behind them.
    ///
    /// - Parameter count: At most that of the part that was told last.
    public mutating func take(
        _ count: Int, of bytes: Span<UInt8>, at offset: inout Int, into buffer: inout ByteBuffer
    ) {
        guard let header = frame?.header, let position = frame?.position else {
            preconditionFailure("payload is taken and there is no frame")
        }
        precondition(UInt64(count) <= header.length - position, "\(count) bytes of \(header.length - position)")
        if count > 0 {
            let masked = bytes.extracting(offset..<(offset + count))
            buffer.append(upTo: count) { room in
                masked.withUnsafeBytes { WebSocketMask.apply(header.mask, at: position, $0, to: room) }
                return count
            }
        }
        frame?.position = position + UInt64(count)
        frame?.isTaken = true
        offset += count
    }

    /// Unreads the last `count` bytes that were taken: whoever cannot use them now has them presented again.
    public mutating func giveBack(_ count: Int) {
        guard let position = frame?.position else { preconditionFailure("payload is given back and there is no frame") }
        precondition(UInt64(count) <= position, "\(count) bytes of \(position) given back")
        frame?.position = position - UInt64(count)
    }

    private func unmasked(_ bytes: Span<UInt8>, _ mask: UInt32) -> [UInt8] {
        bytes.withUnsafeBytes { source in
            [UInt8](unsafeUninitializedCapacity: source.count) { target, count in
                WebSocketMask.apply(mask, at: 0, source, to: UnsafeMutableRawBufferPointer(target))
                count = source.count
            }
        }
    }
}
