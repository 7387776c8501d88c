/// A map that keeps its keys in the order in which they came. `null` is no value: setting it removes the key.
final class MapObject: Container {
    private var keys: [Value] = []
    private var values: [Value] = []
    /// Places of the keys; only for maps that are too large to be searched from the start.
    private var places: [HashedValue: Int]?
    private(set) var isReadOnly = false
    /// Of maps that are more than maps.
    var series: Series?

    /// What stands for values of a time window.
    enum Series {
        /// Of one argument.
        case values
        /// Of several.
        case merged
        /// One of `merged`.
        case point
    }

    private static let searched = 8
    private static let entrySize = 32

    init(_ machine: Machine) throws(TBELError) {
        super.init(in: machine)
        try charge(Container.ownSize)
    }

    deinit {
        if holdsContainers {
            machine.sweep(&values)
            machine.sweep(&keys)
        }
    }

    override func removeEverything() {
        keys.removeAll()
        values.removeAll()
        places = nil
    }

    var count: Int { keys.count }
    var allKeys: [Value] { keys }
    var allValues: [Value] { values }

    func key(at place: Int) -> Value { keys[place] }
    func value(at place: Int) -> Value { values[place] }

    func makeReadOnly() { isReadOnly = true }

    private func willChange() throws(TBELError) {
        if isReadOnly { throw .runtime("The map cannot be changed") }
    }

    /// Where a text is among the keys.
    @inline(__always)
    private func place(of key: String) -> Int? {
        if let places { return places[HashedValue(value: .text(key))] }
        for place in keys.indices {
            if case .text(let other) = keys[place], sameText(other, key) { return place }
        }
        return nil
    }

    func place(of key: Value) -> Int? {
        if let places { return places[HashedValue(value: key)] }
        if case .text(let text) = key { return place(of: text) }
        return keys.firstIndex { sameObject($0, key) }
    }

    func contains(_ key: Value) -> Bool { place(of: key) != nil }

    @inline(__always)
    func get(_ key: String) -> Value {
        if let place = place(of: key) { return values[place] }
        return .null
    }

    func get(_ key: Value) -> Value {
        if let place = place(of: key) { return values[place] }
        return .null
    }

    /// Sets the value of a key, which goes to the end when it is new; returns what was there.
    @discardableResult
    func put(_ key: Value, _ value: Value) throws(TBELError) -> Value {
        try willChange()
        if value.isNull { return try remove(key) }
        if value.isContainer || key.isContainer { holdsContainers = true }
        if let place = place(of: key) {
            let old = values[place]
            try charge(value.size)
            try charge(-old.size)
            values[place] = value
            return old
        }
        try charge(key.size + value.size + MapObject.entrySize)
        keys.append(key)
        values.append(value)
        if places != nil {
            places![HashedValue(value: key)] = keys.count - 1
        } else if keys.count > MapObject.searched {
            index()
        }
        return .null
    }

    /// Removes a key; returns what was there.
    @discardableResult
    func remove(_ key: Value) throws(TBELError) -> Value {
        try willChange()
        guard let place = place(of: key) else { return .null }
        try machine.steps(count / 4)
        let old = values.remove(at: place)
        let oldKey = keys.remove(at: place)
        try charge(-(old.size + oldKey.size + MapObject.entrySize))
        if places != nil { index() }
        return old
    }

    func removeAll() throws(TBELError) {
        try willChange()
        removeEverything()
        try charge(Container.ownSize - charged)
    }

    /// Brings the entries into another order, given as places.
    func reorder(_ order: [Int]) throws(TBELError) {
        try willChange()
        keys = order.map { keys[$0] }
        values = order.map { values[$0] }
        if places != nil { index() }
    }

    private func index() {
        guard keys.count > MapObject.searched else {
            places = nil
            return
        }
        var places: [HashedValue: Int] = [:]
        places.reserveCapacity(keys.count * 2)
        for (place, key) in keys.enumerated() { places[HashedValue(value: key)] = place }
        self.places = places
    }

    func copy() throws(TBELError) -> MapObject {
        try machine.reserve(count, of: 64)
        let copy = try MapObject(machine)
        copy.keys = keys
        copy.values = values
        copy.places = places
        copy.holdsContainers = holdsContainers
        try copy.charge(charged - Container.ownSize)
        return copy
    }
}
