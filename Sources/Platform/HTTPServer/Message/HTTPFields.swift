/// The fields of a message in the order they were sent; names are compared without regard to case (RFC 9110 §5).
///
/// Names and values stay the bytes that arrived until somebody asks for one: a request whose handler looks at no field
/// builds no string.
public struct HTTPFields: Sendable, Sequence {
    /// Where one field lies in the storage. A value has no white space around it.
    struct Entry: Sendable {
        var nameStart: UInt32
        var nameCount: UInt32
        var valueStart: UInt32
        var valueCount: UInt32

        var nameRange: Range<Int> { Int(nameStart)..<Int(nameStart + nameCount) }
        var valueRange: Range<Int> { Int(valueStart)..<Int(valueStart + valueCount) }
    }

    /// The head of the request, or whatever the fields were made from.
    let storage: [UInt8]
    let entries: [Entry]

    init(storage: [UInt8], entries: [Entry]) {
        self.storage = storage
        self.entries = entries
    }

    /// Fields from pairs of name and value.
    public init(_ pairs: [(String, String)]) {
        self.init(pairs, behind: [])
    }

    /// Fields from pairs, stored behind `prefix`.
    init(_ pairs: [(String, String)], behind prefix: [UInt8]) {
        var storage = prefix
        var entries: [Entry] = []
        for (name, value) in pairs {
            let nameStart = storage.count
            storage.append(contentsOf: name.utf8)
            let valueStart = storage.count
            storage.append(contentsOf: value.utf8)
            entries.append(
                Entry(
                    nameStart: UInt32(nameStart), nameCount: UInt32(valueStart - nameStart),
                    valueStart: UInt32(valueStart), valueCount: UInt32(storage.count - valueStart)))
        }
        self.init(storage: storage, entries: entries)
    }

    public var count: Int { entries.count }

    /// The value of the first field called `name`. Builds a string.
    public subscript(name: String) -> String? {
        for entry in entries where nameMatches(entry, name) { return value(of: entry) }
        return nil
    }

    /// The values of all fields called `name`, in order.
    public func all(_ name: String) -> [String] {
        entries.compactMap { nameMatches($0, name) ? value(of: $0) : nil }
    }

    public func contains(_ name: String) -> Bool {
        entries.contains { nameMatches($0, name) }
    }

    /// Lends the bytes of the first field called `name`; nil when there is none.
    public func withValue<R>(of name: String, _ body: (Span<UInt8>) -> R) -> R? {
        for entry in entries where nameMatches(entry, name) {
            return body(storage.span.extracting(entry.valueRange))
        }
        return nil
    }

    /// Whether a field called `name` lists `token` among its comma separated values, without regard to case or
    /// parameters behind a semicolon.
    public func hasToken(_ token: String, in name: String) -> Bool {
        let comma = UInt8(ascii: ",")
        let semicolon = UInt8(ascii: ";")
        return all(name).contains { value in
            value.utf8.split(separator: comma).contains { element in
                let named = element.prefix { $0 != semicolon }.trimmed
                return named.count == token.utf8.count
                    && zip(named, token.utf8).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
            }
        }
    }

    public struct Iterator: IteratorProtocol {
        private let fields: HTTPFields
        private var index = 0

        init(_ fields: HTTPFields) { self.fields = fields }

        public mutating func next() -> (name: String, value: String)? {
            guard index < fields.entries.count else { return nil }
            defer { index += 1 }
            let entry = fields.entries[index]
            return (String(decoding: fields.storage[entry.nameRange], as: UTF8.self), fields.value(of: entry))
        }
    }

    public func makeIterator() -> Iterator { Iterator(self) }

    func value(of entry: Entry) -> String {
        String(decoding: storage[entry.valueRange], as: UTF8.self)
    }

    private func nameMatches(_ entry: Entry, _ name: String) -> Bool {
        guard Int(entry.nameCount) == name.utf8.count else { return false }
        var index = Int(entry.nameStart)
        for byte in name.utf8 {
            if storage[index].asciiLowercased != byte.asciiLowercased { return false }
            index += 1
        }
        return true
    }
}

extension UInt8 {
    /// The lower-case form of an ASCII capital; every other byte as it is.
    @inline(__always)
    var asciiLowercased: UInt8 {
        self &- UInt8(ascii: "A") < 26 ? self | 0x20 : self
    }
}

extension Substring.UTF8View {
    /// Without blanks and tabs at both ends.
    var trimmed: Substring.UTF8View {
        var part = self
        while let first = part.first, first == 0x20 || first == 0x09 { part.removeFirst() }
        while let last = part.last, last == 0x20 || last == 0x09 { part.removeLast() }
        return part
    }
}
