import Messages
import Model
import Storage

/// Whether a stream of a save node handles a message (`rule-engine.md` 8.3).
struct ProcessingStrategy {
    private enum Kind {
        case everyMessage
        case skip
        /// The first message of an originator in each interval; the memory of seen intervals is bounded.
        case deduplicate(intervalMilliseconds: Int64, maximumIntervals: Int)
    }

    private let kind: Kind
    /// The newest intervals seen, by originator.
    private var seen: [UUID128: [Int64]] = [:]
    /// Originators remembered; beyond it the memory starts anew, which lets one message more through.
    private static let maximumOriginators = 100_000

    static let everyMessage = ProcessingStrategy(kind: .everyMessage)
    static let skip = ProcessingStrategy(kind: .skip)

    private init(kind: Kind) {
        self.kind = kind
    }

    static func deduplicate(seconds: Int) throws(RuleNodeConfigurationError) -> ProcessingStrategy {
        guard (1...86_400).contains(seconds) else {
            throw RuleNodeConfigurationError("deduplicationIntervalSecs is \(seconds); expected 1 to 86400")
        }
        let intervals = min(2 * 86_400 / seconds, 100)
        return ProcessingStrategy(
            kind: .deduplicate(intervalMilliseconds: Int64(seconds) * 1000, maximumIntervals: max(1, intervals)))
    }

    init(_ configuration: inout NodeConfiguration) throws(RuleNodeConfigurationError) {
        switch try configuration.string("type") {
        case "ON_EVERY_MESSAGE": self = .everyMessage
        case "SKIP": self = .skip
        case "DEDUPLICATE":
            self = try .deduplicate(seconds: try configuration.integer("deduplicationIntervalSecs", default: 0))
        case let type:
            throw RuleNodeConfigurationError("unknown processing strategy \(type ?? "null")")
        }
        try configuration.end()
    }

    /// Whether the message is handled; remembers it.
    mutating func admits(originator: UUID128, timestamp: Int64) -> Bool {
        switch kind {
        case .everyMessage: return true
        case .skip: return false
        case .deduplicate(let interval, let maximum):
            let number = timestamp / interval
            if seen[originator]?.contains(number) ?? false { return false }
            if seen.count >= Self.maximumOriginators { seen.removeAll(keepingCapacity: true) }
            seen[originator, default: []].append(number)
            if seen[originator]!.count > maximum { seen[originator]!.removeFirst() }
            return true
        }
    }
}

/// `processingSettings` of a save node: the strategies of its main stream, of latest values, and of those who hear of values.
struct ProcessingSettings {
    var main = ProcessingStrategy.everyMessage
    var latest = ProcessingStrategy.everyMessage
    var webSockets = ProcessingStrategy.everyMessage
    var calculatedFields = ProcessingStrategy.everyMessage

    /// - Parameter mainKey: Name of the main stream in the ADVANCED form: `timeseries` or `attributes`.
    init(
        _ parent: inout NodeConfiguration, mainKey: String
    ) throws(RuleNodeConfigurationError) {
        guard var settings = try parent.object("processingSettings") else { return }
        switch try settings.string("type") {
        case "ON_EVERY_MESSAGE":
            break
        case "WEBSOCKETS_ONLY":
            main = .skip
            latest = .skip
            calculatedFields = .skip
        case "DEDUPLICATE":
            let seconds = try settings.integer("deduplicationIntervalSecs", default: 0)
            main = try .deduplicate(seconds: seconds)
            latest = try .deduplicate(seconds: seconds)
            webSockets = try .deduplicate(seconds: seconds)
            calculatedFields = try .deduplicate(seconds: seconds)
        case "ADVANCED":
            main = try Self.strategy(mainKey, of: &settings)
            if mainKey == "timeseries" { latest = try Self.strategy("latest", of: &settings) }
            webSockets = try Self.strategy("webSockets", of: &settings)
            calculatedFields = try Self.strategy("calculatedFields", of: &settings, default: .everyMessage)
        case let type:
            throw RuleNodeConfigurationError("unknown processing settings type \(type ?? "null")")
        }
        try settings.end()
    }

    /// Who hears of the values of a message; remembers it.
    mutating func audience(originator: UUID128, timestamp: Int64) -> CommittedAudience {
        var audience: CommittedAudience = []
        if webSockets.admits(originator: originator, timestamp: timestamp) { audience.insert(.webSockets) }
        if calculatedFields.admits(originator: originator, timestamp: timestamp) { audience.insert(.calculatedFields) }
        return audience
    }

    private static func strategy(
        _ key: String, of settings: inout NodeConfiguration, default fallback: ProcessingStrategy? = nil
    ) throws(RuleNodeConfigurationError) -> ProcessingStrategy {
        guard var strategy = try settings.object(key) else {
            if let fallback { return fallback }
            throw RuleNodeConfigurationError("processing strategy \(key) is missing")
        }
        return try ProcessingStrategy(&strategy)
    }
}
