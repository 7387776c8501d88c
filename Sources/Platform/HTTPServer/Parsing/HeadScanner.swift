internal import Glibc

/// Finds the end of a request head and checks its line structure.
///
/// http-parser as Debian builds it takes a bare LF for a line end, any byte behind a CR at the end of the head, and
/// continued field lines (obs-fold). A proxy in front may see other borders there, so such heads are refused here,
/// before the parser sees them (RFC 9112 §2.2, §5.2, §11.2).
struct HeadScanner {
    enum Outcome: Equatable {
        case incomplete
        /// Bytes up to and with the empty line.
        case complete(Int)
        case malformed(RequestError)
    }

    /// Where the first line starts that has not been seen whole, so that a head that comes in many pieces is looked at
    /// once.
    private var lineStart = 0
    /// Bytes behind `lineStart` known to hold no line end.
    private var searched = 0

    /// - Parameter bytes: All of the head that is there; at the next call the same and more.
    mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        guard let base = bytes.baseAddress else { return .incomplete }
        while searched < bytes.count {
            guard let found = memchr(base + searched, 0x0A, bytes.count - searched) else { break }
            let lineFeed = UnsafeRawPointer(found) - base
            guard lineFeed > lineStart, bytes[lineFeed - 1] == 0x0D else { return .malformed(.bareLineFeed) }
            let contentEnd = lineFeed - 1
            if contentEnd == lineStart { return .complete(lineFeed + 1) }
            if let error = check(base + lineStart, contentEnd - lineStart, isFirst: lineStart == 0) {
                return .malformed(error)
            }
            lineStart = lineFeed + 1
            searched = lineStart
        }
        searched = bytes.count
        return .incomplete
    }

    /// Whether the request line has been seen whole.
    var hasFirstLine: Bool { lineStart > 0 }

    /// Ready for the next head.
    mutating func reset() {
        lineStart = 0
        searched = 0
    }

    private func check(_ line: UnsafeRawPointer, _ count: Int, isFirst: Bool) -> RequestError? {
        if memchr(line, 0x0D, count) != nil { return .bareCarriageReturn }
        let first = line.load(as: UInt8.self)
        if !isFirst, first == 0x20 || first == 0x09 { return .foldedField }
        return nil
    }
}
