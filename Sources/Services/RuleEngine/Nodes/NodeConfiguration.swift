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

    mutating func double(_ key: String) throws(RuleNodeConfigurationError) -> Double? {
        guard let value = value(key) else { return nil }
        guard let double = value.doubleValue else { throw RuleNodeConfigurationError("\(key) is not a number") }
        return double
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

    /// A list of texts; none where it is missing.
    mutating func strings(_ key: String) throws(RuleNodeConfigurationError) -> [String] {
        guard let value = value(key) else { return [] }
        guard let values = value.arrayValue else { throw RuleNodeConfigurationError("\(key) is not a list") }
        var strings: [String] = []
        for value in values {
            guard let string = value.stringValue else {
                throw RuleNodeConfigurationError("\(key) is not a list of strings")
            }
            strings.append(string)
        }
        return strings
    }

    /// A list of objects; none where it is missing.
    mutating func objects(_ key: String) throws(RuleNodeConfigurationError) -> [NodeConfiguration] {
        guard let value = value(key) else { return [] }
        guard let values = value.arrayValue else { throw RuleNodeConfigurationError("\(key) is not a list") }
        var objects: [NodeConfiguration] = []
        for value in values { objects.append(try NodeConfiguration(value)) }
        return objects
    }

    /// Texts by text, at least one.
    mutating func mapping(_ key: String) throws(RuleNodeConfigurationError) -> [(key: String, value: String)] {
        guard let value = value(key) else {
            throw RuleNodeConfigurationError("At least one mapping entry should be specified!")
        }
        guard let object = value.objectValue else { throw RuleNodeConfigurationError("\(key) is not an object") }
        var mapping: [(key: String, value: String)] = []
        for (key, value) in object {
            guard let text = value.stringValue else {
                throw RuleNodeConfigurationError("\(key) is not mapped to a string")
            }
            mapping.append((key, text))
        }
        if mapping.isEmpty { throw RuleNodeConfigurationError("At least one mapping entry should be specified!") }
        return mapping
    }

    /// To be called when every field was read.
    func end() throws(RuleNodeConfigurationError) {
        for (key, _) in object where !known.contains(key) {
            throw RuleNodeConfigurationError("unknown configuration key \(key)")
        }
    }
}
