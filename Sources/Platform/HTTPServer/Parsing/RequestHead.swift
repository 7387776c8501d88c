/// A request head that may be acted on: where its body ends is beyond doubt, and its target has one meaning.
struct RequestHead {
    enum BodyFraming: Equatable {
        case none
        case length(Int)
        case chunked
    }

    let method: HTTPMethod
    let fields: HTTPFields
    let layout: TargetLayout
    let framing: BodyFraming
    let isVersion1_0: Bool
    let keepsAlive: Bool
    let expectsContinue: Bool
    let asksForUpgrade: Bool

    /// Limits on what a head may be.
    struct Limits: Sendable {
        var targetBytes: Int
        var fields: Int
    }

    /// - Parameter head: A complete head, as ``HeadScanner`` found it.
    init(parsing head: UnsafeRawBufferPointer, with parser: HeadParser, limits: Limits) throws(RequestError) {
        let lines = try parser.parse(head, maximumFields: limits.fields)
        guard lines.majorVersion == 1, lines.minorVersion <= 1 else {
            throw lines.majorVersion == 0 ? .malformedRequestLine : .unsupportedVersion
        }
        guard lines.method != .connect else { throw .unknownMethod }
        guard lines.target.count <= limits.targetBytes else { throw .targetTooLong }
        try RequestHead.checkRequestLine(head, lines)
        let scan = try FieldScan(head, lines)
        let path = try RequestHead.path(in: head, lines, host: scan.host)

        let storage = [UInt8](head)
        method = lines.method
        fields = HTTPFields(storage: storage, entries: lines.fields)
        layout = TargetLayout(target: lines.target, path: path, in: storage)
        framing = scan.framing
        isVersion1_0 = lines.minorVersion == 0
        keepsAlive = lines.keepsAlive
        expectsContinue = scan.expectsContinue && !isVersion1_0
        asksForUpgrade = lines.asksForUpgrade
        guard
            storage[layout.path].firstIndex(of: UInt8(ascii: "%")) == nil
                || PercentCoding.decode(storage[layout.path]) != nil
        else { throw .invalidTarget }
    }

    /// The library takes several blanks between the parts, and a missing version: method, target and version must fill
    /// the line exactly.
    private static func checkRequestLine(_ head: UnsafeRawBufferPointer, _ lines: HeadParser.Lines) throws(RequestError)
    {
        let targetStart = lines.method.nameByteCount + 1
        let versionStart = lines.target.upperBound + 1
        guard lines.target.lowerBound == targetStart, !lines.target.isEmpty, versionStart + 10 <= head.count,
            head[versionStart - 1] == 0x20, head[versionStart + 8] == 0x0D,
            head[versionStart..<versionStart + 7].elementsEqual("HTTP/1.".utf8)
        else { throw .malformedRequestLine }
        guard head[lines.target].allSatisfy({ FieldSyntax.isTargetByte($0) }) else { throw .invalidTarget }
    }

    /// Where path and query lie (RFC 9112 §3.2): origin form, absolute form with the authority of the Host field, or
    /// the asterisk of OPTIONS.
    private static func path(
        in head: UnsafeRawBufferPointer, _ lines: HeadParser.Lines, host: Range<Int>?
    ) throws(RequestError) -> Range<Int> {
        let target = lines.target
        if head[target.lowerBound] == UInt8(ascii: "/") { return target }
        if target.count == 1, head[target.lowerBound] == UInt8(ascii: "*") {
            guard lines.method == .options else { throw .invalidTarget }
            return target
        }
        guard let authorityStart = authority(in: head, target) else { throw .invalidTarget }
        let end = head[authorityStart..<target.upperBound].firstIndex { "/?#".utf8.contains($0) } ?? target.upperBound
        guard let host, host.count == end - authorityStart,
            zip(head[host], head[authorityStart..<end]).allSatisfy({ $0.asciiLowercased == $1.asciiLowercased })
        else { throw .hostMismatch }
        // Without a path the target means the root: the last slash of the scheme can stand for it.
        if end == target.upperBound { return authorityStart - 1..<authorityStart }
        guard head[end] == UInt8(ascii: "/") else { throw .invalidTarget }
        return end..<target.upperBound
    }

    /// Where the authority of an absolute target starts.
    private static func authority(in head: UnsafeRawBufferPointer, _ target: Range<Int>) -> Int? {
        for scheme in ["http://", "https://"] where target.count > scheme.utf8.count {
            let end = target.lowerBound + scheme.utf8.count
            let isScheme = zip(head[target.lowerBound..<end], scheme.utf8).allSatisfy { $0.asciiLowercased == $1 }
            if isScheme { return end }
        }
        return nil
    }
}
