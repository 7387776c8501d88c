public import JSON

/// What the rules of an alarm field remember of one entity (`rule-engine.md` 7.2). It is kept in the database where a rule
/// counts or waits.
public struct AlarmFieldState: Sendable, Equatable {
    public struct Rule: Sendable, Equatable {
        /// Events in a row for which a repeating condition was true.
        public var events: Int64 = 0
        /// Since when a condition with a duration is true; 0: it is not. Milliseconds since 1970.
        public var since: Int64 = 0
        /// When that was looked at last.
        public var checked: Int64 = 0
        /// Whether its schedule was in force; `nil` before the first look.
        public var isActive: Bool?

        public init() {}

        public mutating func reset() {
            (events, since, checked) = (0, 0, 0)
        }
    }

    /// By severity, and of the clear rule under `CLEAR`.
    public var rules: [String: Rule] = [:]
    /// The alarm that is known to be active.
    public var alarm: String?

    public init() {}

    public subscript(severity: String?) -> Rule {
        get { rules[severity ?? "CLEAR"] ?? Rule() }
        set { rules[severity ?? "CLEAR"] = newValue }
    }

    public mutating func reset() {
        for key in rules.keys { rules[key]?.reset() }
        alarm = nil
    }

    public init?(_ document: JSONValue) {
        guard let object = document.objectValue else { return nil }
        alarm = object["alarm"]?.stringValue
        for (name, value) in object["rules"]?.objectValue ?? JSONObject() {
            var rule = Rule()
            rule.events = value["events"]?.integerValue ?? 0
            rule.since = value["since"]?.integerValue ?? 0
            rule.checked = value["checked"]?.integerValue ?? 0
            rule.isActive = value["active"]?.boolValue
            rules[name] = rule
        }
    }

    public var document: JSONValue {
        var object = JSONObject()
        if let alarm { object["alarm"] = .string(alarm) }
        var written = JSONObject()
        for (name, rule) in rules.sorted(by: { $0.key < $1.key }) {
            written[name] = [
                "events": .integer(rule.events), "since": .integer(rule.since), "checked": .integer(rule.checked),
                "active": rule.isActive.map { .bool($0) } ?? .null,
            ]
        }
        object["rules"] = .object(written)
        return .object(object)
    }
}
