/// What a process and its workers that run scripts say to each other, over a stream.
///
/// A frame is its length (4 bytes, without these), its kind (1 byte), the number of a call or a script (8 bytes), and what
/// the kind demands; numbers are little endian. A text is its length (4 bytes), its UTF-8, and a zero byte that lets C read
/// it in place.
public enum ScriptWire {
    static let headerSize = 9
    /// Longest frame that either side takes.
    public static let maximumFrame = 32 << 20

    enum Request: UInt8 {
        case compile = 1
        case invoke = 2
        case release = 3
    }

    enum Reply: UInt8 {
        case ready = 16
        case compiled = 17
        case result = 18
        case nothing = 19
        case failure = 20
    }

    /// Why a worker could not do what it was asked for.
    public enum Failure: UInt8, Sendable {
        case compilation = 0
        case runtime = 1
        case timeout = 2
        case notFound = 3
        case tooLarge = 4
    }

    /// The other end sent what no frame is.
    public struct Malformed: Error {
        public init() {}
    }

    // MARK: - Writing

    public static func appendCompile(
        call: UInt64, script: UInt64, functionName: String, program: String, to bytes: inout [UInt8]
    ) {
        frame(Request.compile.rawValue, call, &bytes) { bytes in
            append(script, &bytes)
            append(functionName, &bytes)
            append(program, &bytes)
        }
    }

    /// - Parameter limit: Milliseconds of processor time; 0 for that of the worker.
    public static func appendInvoke(
        call: UInt64, script: UInt64, limit: UInt32, arguments: [String], to bytes: inout [UInt8]
    ) {
        frame(Request.invoke.rawValue, call, &bytes) { bytes in
            append(script, &bytes)
            append(limit, &bytes)
            bytes.append(UInt8(truncatingIfNeeded: arguments.count))
            for argument in arguments { append(argument, &bytes) }
        }
    }

    public static func appendRelease(script: UInt64, to bytes: inout [UInt8]) {
        frame(Request.release.rawValue, script, &bytes) { _ in }
    }

    public static func appendReady(to bytes: inout [UInt8]) {
        frame(Reply.ready.rawValue, 0, &bytes) { _ in }
    }

    public static func appendCompiled(call: UInt64, to bytes: inout [UInt8]) {
        frame(Reply.compiled.rawValue, call, &bytes) { _ in }
    }

    /// Appends the result that `body` writes; nothing, or a failure instead, when it writes none.
    public static func appendResult(
        call: UInt64, to bytes: inout [UInt8], _ body: (inout [UInt8]) -> (hasResult: Bool, failure: (Failure, String)?)
    ) {
        let start = bytes.count
        var outcome: (hasResult: Bool, failure: (Failure, String)?) = (false, nil)
        frame(Reply.result.rawValue, call, &bytes) { bytes in
            let place = bytes.count
            append(UInt32(0), &bytes)
            outcome = body(&bytes)
            set(UInt32(bytes.count - place - 4), at: place, &bytes)
            bytes.append(0)
        }
        if let (failure, text) = outcome.failure {
            bytes.removeLast(bytes.count - start)
            appendFailure(call: call, failure, text, to: &bytes)
        } else if !outcome.hasResult {
            bytes.removeLast(bytes.count - start)
            frame(Reply.nothing.rawValue, call, &bytes) { _ in }
        }
    }

    public static func appendFailure(call: UInt64, _ failure: Failure, _ text: String, to bytes: inout [UInt8]) {
        frame(Reply.failure.rawValue, call, &bytes) { bytes in
            bytes.append(failure.rawValue)
            append(text, &bytes)
        }
    }

    private static func frame(_ kind: UInt8, _ number: UInt64, _ bytes: inout [UInt8], _ body: (inout [UInt8]) -> Void)
    {
        let start = bytes.count
        append(UInt32(0), &bytes)
        bytes.append(kind)
        append(number, &bytes)
        body(&bytes)
        set(UInt32(bytes.count - start - 4), at: start, &bytes)
    }

    private static func append<T: FixedWidthInteger>(_ number: T, _ bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func append(_ text: String, _ bytes: inout [UInt8]) {
        append(UInt32(text.utf8.count), &bytes)
        bytes.append(contentsOf: text.utf8)
        bytes.append(0)
    }

    private static func set(_ number: UInt32, at place: Int, _ bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { number in
            for (index, byte) in number.enumerated() { bytes[place + index] = byte }
        }
    }
}
