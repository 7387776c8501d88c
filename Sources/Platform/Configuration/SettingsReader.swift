/// Reads settings by environment name. A wrong value is collected and its default used, not thrown, so that all problems
/// are reported together; whoever reads must look at ``problems`` before going on.
///
/// A name that is set to nothing counts as not set, except for texts that may be empty (``string(_:default:)``).
public struct SettingsReader: Sendable {
    private let environment: [String: String]
    private let origins: [String: String]
    /// One sentence per wrong value: `mqtt.yml:12: MQTT_BIND_PORT is "abc"; expected 1 to 65535`.
    public private(set) var problems: [String] = []
    /// Every setting that was read, with the value that holds; secrets redacted.
    public private(set) var effective: [(name: String, value: String)] = []

    public init(environment: [String: String]) {
        self.init(SettingsSource(environment: environment))
    }

    public init(_ source: SettingsSource) {
        environment = source.values
        origins = source.origins
    }

    /// Collects a problem that the reader's own rules do not know.
    public mutating func report(_ problem: String) {
        problems.append(problem)
    }

    /// One line per setting, sorted by name, with where its value comes from; passwords inside of URLs are masked. Key paths
    /// of the file that nothing reads follow as comments.
    public func printed(_ source: SettingsSource) -> [String] {
        var values: [String: String] = [:]
        for (name, value) in effective where values[name] == nil { values[name] = value }
        let lines = values.sorted { $0.key < $1.key }.map { name, value in
            let origin = origins[name] ?? (environment[name] == nil ? "default" : "environment")
            return "\(name)=\(Self.withoutPassword(value))  # \(origin)"
        }
        return lines + source.ignored.map { "# ignored: \($0)" }
    }

    /// `password=...` up to the next separator becomes `password=<redacted>`.
    private static func withoutPassword(_ value: String) -> String {
        guard let range = value.lowercased().firstRange(of: "password=") else { return value }
        let rest = value[range.upperBound...].drop { !"&; ".contains($0) }
        return "\(value[..<range.upperBound])\(Secret.redacted)\(rest)"
    }

    // MARK: - Texts

    public mutating func string(_ name: String, default defaultValue: String) -> String {
        note(name, environment[name] ?? defaultValue)
    }

    public mutating func optionalString(_ name: String) -> String? {
        let value = text(name)
        note(name, value ?? "")
        return value
    }

    public mutating func secret(_ name: String) -> Secret? {
        let value = text(name)
        note(name, value == nil ? "" : Secret.redacted)
        return value.map(Secret.init)
    }

    /// One of `choices`, compared without case and returned as it stands there.
    public mutating func choice(_ name: String, default defaultValue: String, of choices: [String]) -> String {
        precondition(choices.contains(defaultValue), "\(defaultValue) is not among \(choices)")
        guard let value = text(name) else { return note(name, defaultValue) }
        if let choice = choices.first(where: { $0.lowercased() == value.lowercased() }) { return note(name, choice) }
        complain(name, value, expected: "one of \(choices.joined(separator: ", "))")
        return note(name, defaultValue)
    }

    // MARK: - Numbers

    public mutating func integer(
        _ name: String, default defaultValue: Int, in range: ClosedRange<Int> = 0...Int.max
    ) -> Int {
        guard let value = text(name) else { return note(name, defaultValue) }
        if let number = Int(value), range.contains(number) { return note(name, number) }
        complain(name, value, expected: Self.describe(range))
        return note(name, defaultValue)
    }

    public mutating func double(
        _ name: String, default defaultValue: Double, in range: ClosedRange<Double> = 0...Double.greatestFiniteMagnitude
    ) -> Double {
        guard let value = text(name) else { return note(name, defaultValue) }
        if let number = Double(value), range.contains(number) { return note(name, number) }
        let expected =
            range.upperBound == .greatestFiniteMagnitude
            ? "a number of at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
        complain(name, value, expected: expected)
        return note(name, defaultValue)
    }

    /// `true` or `false`, in either case.
    public mutating func boolean(_ name: String, default defaultValue: Bool) -> Bool {
        guard let value = text(name) else { return note(name, defaultValue) }
        switch value.lowercased() {
        case "true": return note(name, true)
        case "false": return note(name, false)
        default:
            complain(name, value, expected: "true or false")
            return note(name, defaultValue)
        }
    }

    /// A time in whole milliseconds.
    public mutating func milliseconds(
        _ name: String, default defaultValue: Int, in range: ClosedRange<Int> = 0...Int.max / 1_000_000
    ) -> Duration {
        .milliseconds(integer(name, default: defaultValue, in: range))
    }

    /// A time in whole seconds.
    public mutating func seconds(
        _ name: String, default defaultValue: Int, in range: ClosedRange<Int> = 0...Int.max / 1_000_000_000
    ) -> Duration {
        .seconds(integer(name, default: defaultValue, in: range))
    }

    // MARK: - Helpers

    /// The value without white space around it; `nil` when nothing is left.
    private func text(_ name: String) -> String? {
        guard var value = environment[name].map({ Substring($0) }) else { return nil }
        while value.first?.isWhitespace == true { value.removeFirst() }
        while value.last?.isWhitespace == true { value.removeLast() }
        return value.isEmpty ? nil : String(value)
    }

    private mutating func complain(_ name: String, _ value: String, expected: String) {
        let origin = origins[name].map { "\($0): " } ?? ""
        problems.append("\(origin)\(name) is \"\(value)\"; expected \(expected)")
    }

    @discardableResult
    private mutating func note<Value>(_ name: String, _ value: Value) -> Value {
        effective.append((name, "\(value)"))
        return value
    }

    static func describe(_ range: ClosedRange<Int>) -> String {
        if range.upperBound >= Int.max / 1_000_000_000 {
            return range.lowerBound == Int.min ? "a whole number" : "a whole number of at least \(range.lowerBound)"
        }
        return "\(range.lowerBound) to \(range.upperBound)"
    }
}
