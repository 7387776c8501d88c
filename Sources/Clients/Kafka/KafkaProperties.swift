/// librdkafka's settings by name, in the order in which they are set; a later one replaces an earlier one.
public struct KafkaProperties: Sendable, Equatable {
    public private(set) var entries: [(name: String, value: String)] = []

    public init(_ entries: KeyValuePairs<String, String> = [:]) {
        for (name, value) in entries { self[name] = value }
    }

    public subscript(name: String) -> String? {
        get { entries.last { $0.name == name }?.value }
        set {
            entries.removeAll { $0.name == name }
            if let newValue { entries.append((name, newValue)) }
        }
    }

    /// These settings with those of `other` in their place where both have one.
    public func merging(_ other: KafkaProperties) -> KafkaProperties {
        var merged = self
        for (name, value) in other.entries { merged[name] = value }
        return merged
    }

    public static func == (a: KafkaProperties, b: KafkaProperties) -> Bool {
        a.entries.elementsEqual(b.entries) { $0 == $1 }
    }
}
