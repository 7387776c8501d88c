import JSON

/// Reads the configuration of a node: typed fields, and an error for a key that nobody asked for (`rule-engine.md` 2.7).
struct NodeConfiguration {
    private let object: JSONObject
    private var known: Set<String> = ["version"]

    init(_ value: JSONValue) throws(RuleNodeConfigurationError) {
        guard let object = value.objectValue else {
            throw RuleNodeConfigurationError("configuration is not an object")
        }
        self.object = object
    }

    private mutating func value(_ key: String) -> JSONValue? {
        known.insert(key)
        guard let value = object[key], value != .null else { return nil }
        return value
    }

    mutating func bool(_ key: String, default fallback: Bool) throws(RuleNodeConfigurationError) -> Bool {
        guard let value = value(key) else { return fallback }
        guard let bool = value.boolValue else { throw RuleNodeConfigurationError("\(key) is not a boolean") }
        return bool
    }

    mutating func integer(_ key: String, default fallback: Int) throws(RuleNodeConfigurationError) -> Int {
        guard let value = value(key) else { return fallback }
        guard let integer = value.integerValue else { throw RuleNodeConfigurationError("\(key) is not an integer") }
        return Int(integer)
    }

    mutating func string(_ key: String) throws(RuleNodeConfigurationError) -> String? {
        guard let value = value(key) else { return nil }
        guard let string = value.stringValue else { throw RuleNodeConfigurationError("\(key) is not a string") }
        return string
    }

    mutating func object(_ key: String) throws(RuleNodeConfigurationError) -> NodeConfiguration? {
        guard let value = value(key) else { return nil }
        return try NodeConfiguration(value)
    }

    /// To be called when every field was read.
    func end() throws(RuleNodeConfigurationError) {
        for (key, _) in object where !known.contains(key) {
            throw RuleNodeConfigurationError("unknown configuration key \(key)")
        }
    }
}
