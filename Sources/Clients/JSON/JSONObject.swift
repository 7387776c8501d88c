/// The members of a JSON object, in the order in which their keys were first set.
///
/// A key occurs once. Two objects are equal when they have equal members in any order.
public struct JSONObject: Sendable {
    public typealias Element = (key: String, value: JSONValue)

    private var members: [Element] = []
    /// Places of the keys; kept only for objects that are too large to be searched from the start.
    private var places: [String: Int]?
    private static let largestSearched = 12

    public init() {}

    public init(minimumCapacity: Int) {
        members.reserveCapacity(minimumCapacity)
    }

    /// The last value of a key that occurs several times counts.
    public init(_ members: some Sequence<(String, JSONValue)>) {
        for (key, value) in members { self[key] = value }
    }

    private func place(of key: String) -> Int? {
        if let places { return places[key] }
        return members.firstIndex { $0.key == key }
    }

    /// The value of `key`. A new key goes to the end; setting `nil` removes the key.
    public subscript(key: String) -> JSONValue? {
        get { place(of: key).map { members[$0].value } }
        set {
            guard let newValue else {
                removeValue(forKey: key)
                return
            }
            if let place = place(of: key) {
                members[place].value = newValue
                return
            }
            members.append((key, newValue))
            if places != nil {
                places![key] = members.count - 1
            } else if members.count > JSONObject.largestSearched {
                index()
            }
        }
    }

    public subscript(key: String, default fallback: @autoclosure () -> JSONValue) -> JSONValue {
        get { self[key] ?? fallback() }
        set { self[key] = newValue }
    }

    /// Removes `key`; linear in the number of members.
    @discardableResult
    public mutating func removeValue(forKey key: String) -> JSONValue? {
        guard let place = place(of: key) else { return nil }
        let value = members.remove(at: place).value
        if members.count > JSONObject.largestSearched { index() } else { places = nil }
        return value
    }

    /// Whether `key` is there, be it with `null`.
    public func contains(key: String) -> Bool { place(of: key) != nil }

    public var keys: [String] { members.map(\.key) }
    public var values: [JSONValue] { members.map(\.value) }

    /// Takes over all members of `other`; its values win.
    public mutating func merge(_ other: JSONObject) {
        for (key, value) in other { self[key] = value }
    }

    private mutating func index() {
        var places: [String: Int] = [:]
        places.reserveCapacity(members.count)
        for (place, member) in members.enumerated() { places[member.key] = place }
        self.places = places
    }

    /// Adds a key that is known not to be there.
    mutating func append(uniqueKey key: String, _ value: JSONValue) {
        members.append((key, value))
    }

    /// Ends a series of ``append(uniqueKey:_:)``.
    mutating func finishAppending() {
        if members.count > JSONObject.largestSearched { index() }
    }
}

extension JSONObject: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { members.count }
    public subscript(position: Int) -> Element { members[position] }
}

extension JSONObject: Equatable {
    public static func == (a: JSONObject, b: JSONObject) -> Bool {
        guard a.count == b.count else { return false }
        return a.allSatisfy { b[$0.key] == $0.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements)
    }
}
