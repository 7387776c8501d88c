/// Takes the chunked transfer coding off a body (RFC 9112 §7.1), strictly: every line ends with CR LF, a size has one
/// to sixteen hexadecimal digits, extensions and trailers are checked and dropped.
struct ChunkedDecoder {
    enum Progress: Equatable {
        case needsMore
        case finished
    }

    private enum State {
        case size(digits: Int)
        case extensions
        case sizeLineFeed
        case data
        case dataCarriageReturn
        case dataLineFeed
        case trailerStart
        case trailer
        case trailerLineFeed
        case endLineFeed
        case finished
    }

    private var state = State.size(digits: 0)
    /// Bytes left of the chunk that is being read, or the size as far as it has been read.
    private var remaining: UInt64 = 0
    /// Bytes of extensions and trailers that may still come.
    private var overheadAllowance: Int

    /// - Parameter maximumOverhead: Bytes of chunk extensions and trailers together that are let through.
    init(maximumOverhead: Int) {
        overheadAllowance = maximumOverhead
    }

    /// Takes bytes from `offset` on and hands the data among them to `body`.
    ///
    /// - Parameters:
    ///   - offset: Moved behind what was used: to the end, or behind the coding when it is finished.
    ///   - limit: Bytes of data that may still come; a chunk that announces more is refused at its size.
    mutating func decode(
        _ bytes: UnsafeRawBufferPointer, at offset: inout Int, limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(RequestError) -> Progress {
        var limit = limit
        while offset < bytes.count {
            if case .data = state {
                let count = min(Int(clamping: remaining), bytes.count - offset)
                body(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
                offset += count
                limit -= count
                remaining -= UInt64(count)
                if remaining == 0 { state = .dataCarriageReturn }
                continue
            }
            try step(bytes[offset], limit: limit)
            offset += 1
            if case .finished = state { return .finished }
        }
        return .needsMore
    }

    private mutating func step(_ byte: UInt8, limit: Int) throws(RequestError) {
        switch state {
        case .size(let digits):
            try size(byte, digits: digits)
        case .extensions:
            if byte == 0x0D { state = .sizeLineFeed } else { try overhead(byte) }
        case .sizeLineFeed:
            try expect(byte, 0x0A)
            guard remaining <= UInt64(max(0, limit)) else { throw .bodyTooLarge }
            state = remaining == 0 ? .trailerStart : .data
        case .dataCarriageReturn:
            try expect(byte, 0x0D)
            state = .dataLineFeed
        case .dataLineFeed:
            try expect(byte, 0x0A)
            remaining = 0
            state = .size(digits: 0)
        case .trailerStart:
            if byte == 0x0D {
                state = .endLineFeed
            } else {
                // No blank: a trailer line must not continue anything.
                guard FieldSyntax.isTokenByte(byte) else { throw .invalidChunk }
                try overhead(byte)
                state = .trailer
            }
        case .trailer:
            if byte == 0x0D { state = .trailerLineFeed } else { try overhead(byte) }
        case .trailerLineFeed:
            try expect(byte, 0x0A)
            state = .trailerStart
        case .endLineFeed:
            try expect(byte, 0x0A)
            state = .finished
        case .data, .finished:
            preconditionFailure("chunk data and the end are not taken byte by byte")
        }
    }

    private mutating func size(_ byte: UInt8, digits: Int) throws(RequestError) {
        if let value = hexadecimalValue(byte) {
            guard digits < 16 else { throw .invalidChunk }
            remaining = remaining << 4 | UInt64(value)
            state = .size(digits: digits + 1)
        } else if digits > 0, byte == 0x0D {
            state = .sizeLineFeed
        } else if digits > 0, byte == UInt8(ascii: ";") {
            try overhead(byte)
            state = .extensions
        } else {
            throw .invalidChunk
        }
    }

    private mutating func overhead(_ byte: UInt8) throws(RequestError) {
        guard FieldSyntax.isValueByte(byte) else { throw .invalidChunk }
        overheadAllowance -= 1
        guard overheadAllowance >= 0 else { throw .headTooLarge }
    }

    private func expect(_ byte: UInt8, _ wanted: UInt8) throws(RequestError) {
        guard byte == wanted else { throw .invalidChunk }
    }
}
