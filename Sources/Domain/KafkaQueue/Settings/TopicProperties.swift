/// How topics of one family are made (`cluster.md` 2.1): `key:value;key:value`, where `partitions` is the number of
/// partitions and everything else a setting of the topic.
public struct TopicProperties: Sendable, Hashable {
    public var partitions: Int?
    public var configuration: [String: String]

    /// What Kafka topics get unless they are configured otherwise (`cluster.md` 2.2, "std").
    public static let standard =
        "retention.ms:604800000;segment.bytes:52428800;retention.bytes:1048576000;min.insync.replicas:1"
    /// Of requests to executors of scripts, and of their answers.
    static let scripts =
        "retention.ms:86400000;segment.bytes:52428800;retention.bytes:104857600;partitions:30;min.insync.replicas:1"

    public init(partitions: Int? = nil, configuration: [String: String] = [:]) {
        self.partitions = partitions
        self.configuration = configuration
    }

    /// - Throws: a sentence about the first entry that is none.
    public init(parsing text: String) throws(TopicPropertiesError) {
        self.init()
        for entry in try PropertyList.parse(text) {
            guard entry.name == "partitions" else {
                configuration[entry.name] = entry.value
                continue
            }
            guard let count = Int(entry.value), (1...100_000).contains(count) else {
                throw TopicPropertiesError(text: "partitions is \"\(entry.value)\"; expected 1 to 100000")
            }
            partitions = count
        }
    }
}

public struct TopicPropertiesError: Error, Sendable, Equatable {
    public let text: String
}

/// `key:value;key:value`, blanks around parts and empty parts allowed. A value may hold colons.
enum PropertyList {
    static func parse(
        _ text: String, separator: Character = ":"
    ) throws(TopicPropertiesError) -> [(name: String, value: String)] {
        var entries: [(name: String, value: String)] = []
        for part in text.split(separator: ";") {
            let entry = trimmed(part)
            guard !entry.isEmpty else { continue }
            guard let middle = entry.firstIndex(of: separator), middle > entry.startIndex else {
                throw TopicPropertiesError(text: "\"\(entry)\" is not key\(separator)value")
            }
            entries.append(
                (String(trimmed(entry[..<middle])), String(trimmed(entry[entry.index(after: middle)...]))))
        }
        return entries
    }

    static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
