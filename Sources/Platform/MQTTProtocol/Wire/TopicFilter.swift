/// The grammar of topic filters (MQTT 5.0 4.7 and 4.8.2).
enum TopicFilter {
    /// Checks the wildcards of a filter that is known to be UTF-8: `#` stands alone in the last level, `+` alone in
    /// its. For MQTT 5.0 the form of a shared subscription as well.
    static func check(_ bytes: Span<UInt8>, in range: Range<Int>, version: MQTTVersion) throws(MQTTError) {
        var filter = range
        if version == .v5, isShared(bytes, in: range) {
            filter = try filterOfSharedSubscription(bytes, in: range)
        }
        guard isWellFormed(bytes, in: filter) else { throw .invalidTopicFilter }
    }

    /// Whether the filter names a shared subscription, `$share/{name}/{filter}`.
    static func isShared(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        let prefix: StaticString = "$share/"
        guard range.count >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount
        where bytes[range.lowerBound + index] != prefix.utf8Start[index] {
            return false
        }
        return true
    }

    private static func filterOfSharedSubscription(
        _ bytes: Span<UInt8>, in range: Range<Int>
    ) throws(MQTTError) -> Range<Int> {
        let name = range.lowerBound + 7
        var position = name
        while position < range.upperBound, bytes[position] != UInt8(ascii: "/") {
            if isWildcard(bytes[position]) { throw .invalidSharedSubscription }
            position += 1
        }
        guard position > name, position + 1 < range.upperBound else { throw .invalidSharedSubscription }
        return (position + 1)..<range.upperBound
    }

    private static func isWellFormed(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        guard !range.isEmpty else { return false }
        for position in range where isWildcard(bytes[position]) {
            let startsLevel = position == range.lowerBound || bytes[position - 1] == UInt8(ascii: "/")
            let isLast = position + 1 == range.upperBound
            let endsLevel = isLast || (bytes[position] == UInt8(ascii: "+") && bytes[position + 1] == UInt8(ascii: "/"))
            guard startsLevel, endsLevel else { return false }
        }
        return true
    }

    private static func isWildcard(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "+") || byte == UInt8(ascii: "#") }
}
