/// How large a request body may be, by path: the first pattern that matches decides.
public struct BodyLimits: Sendable {
    private var rules: [(pattern: AntPattern, bytes: Int)]
    /// Bytes allowed where no pattern matches.
    public let otherwise: Int
    /// What is allowed everywhere, so that small bodies need no look at the patterns.
    let smallest: Int

    public init(_ rules: [(pattern: AntPattern, bytes: Int)], otherwise: Int = 1_048_576) {
        self.rules = rules
        self.otherwise = otherwise
        smallest = rules.reduce(otherwise) { min($0, $1.bytes) }
    }

    /// Reads `pattern=bytes;pattern=bytes`; nil when a part is not of this form.
    public init?(parsing text: String, otherwise: Int = 1_048_576) {
        var rules: [(pattern: AntPattern, bytes: Int)] = []
        for part in text.split(separator: ";") {
            guard let separator = part.lastIndex(of: "="), let bytes = Int(part[part.index(after: separator)...]),
                bytes >= 0, separator > part.startIndex
            else { return nil }
            rules.append((AntPattern(String(part[..<separator])), bytes))
        }
        self.init(rules, otherwise: otherwise)
    }

    /// rest-api.md 2.1: 50 MiB for images, resources and OTA packages, 16 MiB elsewhere.
    public static let administration = BodyLimits([
        (AntPattern("/api/image*/**"), 52_428_800), (AntPattern("/api/resource/**"), 52_428_800),
        (AntPattern("/api/otaPackage/**"), 52_428_800),
        (AntPattern("/api/**"), 16_777_216),
    ])

    /// device-api.md 4.3: 64 KiB for RPC, 50 MiB elsewhere.
    public static let devices = BodyLimits([
        (AntPattern("/api/v1/*/rpc/**"), 65_536), (AntPattern("/api/v1/**"), 52_428_800),
    ])

    /// These rules, and behind them those of `other`, which also says what holds where nothing matches.
    public func followed(by other: BodyLimits) -> BodyLimits {
        BodyLimits(rules + other.rules, otherwise: other.otherwise)
    }

    /// Bytes that a request for the raw path may carry.
    public func limit(for path: String) -> Int {
        limit(for: [UInt8](path.utf8)[...])
    }

    func limit(for path: ArraySlice<UInt8>) -> Int {
        rules.first { $0.pattern.matches(path) }?.bytes ?? otherwise
    }
}
