/// Methods of maps (`rule-engine.md` 6.4).
enum MapMethods {
    static func call(
        _ map: MapObject, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        switch (method, arguments.count) {
        case (.size, 0): return Value(map.count)
        case (.isEmpty, 0): return .bool(map.count == 0)
        case (.keys, 0): return .list(try list(map.allKeys, machine))
        case (.values, 0): return .list(try list(map.allValues, machine))
        case (.keySet, 0): return .set(try set(map.allKeys, machine))
        case (.entrySet, 0): return .set(try set(try map.entries(), machine))
        case (.containsKey, 1): return .bool(map.contains(arguments[0]))
        case (.containsValue, 1):
            try machine.steps(map.count)
            return .bool(map.allValues.contains { sameObject($0, arguments[0]) })
        case (.get, 1): return map.get(arguments[0])
        case (.getOrDefault, 2): return map.contains(arguments[0]) ? map.get(arguments[0]) : arguments[1]
        case (.put, 2): return try map.put(arguments[0], arguments[1])
        case (.putIfAbsent, 2):
            return try map.contains(arguments[0]) ? map.get(arguments[0]) : map.put(arguments[0], arguments[1])
        case (.replace, 2): return try map.contains(arguments[0]) ? map.put(arguments[0], arguments[1]) : .null
        case (.replace, 3):
            guard map.contains(arguments[0]), sameObject(map.get(arguments[0]), arguments[1]) else {
                return .bool(false)
            }
            try map.put(arguments[0], arguments[2])
            return .bool(true)
        case (.remove, 1): return try map.remove(arguments[0])
        case (.remove, 2):
            guard map.contains(arguments[0]), sameObject(map.get(arguments[0]), arguments[1]) else {
                return .bool(false)
            }
            try map.remove(arguments[0])
            return .bool(true)
        case (.putAll, 1):
            guard case .map(let other) = arguments[0] else {
                throw .runtime("cannot convert \(arguments[0].typeName) to Map")
            }
            try machine.steps(other.count)
            // A copy, as a map may be put into itself.
            let keys = other.allKeys
            let values = other.allValues
            for (key, value) in zip(keys, values) { try map.put(key, value) }
            return .null
        case (.clear, 0):
            try map.removeAll()
            return .null
        case (.toUnmodifiable, 0):
            let copy = try map.copy()
            copy.makeReadOnly()
            return .map(copy)
        case (.clone, 0): return .map(try map.copy())
        case (.memorySize, 0): return .long(Int64(map.charged))
        default: return try order(map, method, arguments, machine)
        }
    }

    /// Methods that bring entries into another order.
    private static func order(
        _ map: MapObject, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        switch (method, arguments.count) {
        case (.sortByKey, 0...1): try sort(map, map.allKeys, arguments, machine)
        case (.sortByValue, 0...1): try sort(map, map.allValues, arguments, machine)
        case (.toSortedByKey, 0...1), (.toSorted, 0...1):
            let copy = try map.copy()
            try sort(copy, copy.allKeys, arguments, machine)
            return .map(copy)
        case (.toSortedByValue, 0...1):
            let copy = try map.copy()
            try sort(copy, copy.allValues, arguments, machine)
            return .map(copy)
        case (.reverse, 0): try map.reorder((0..<map.count).reversed())
        case (.toReversed, 0):
            let copy = try map.copy()
            try copy.reorder((0..<copy.count).reversed())
            return .map(copy)
        case (.invert, 0), (.toInverted, 0):
            let inverted = try MapObject(machine)
            for place in 0..<map.count { try inverted.put(map.value(at: place), map.key(at: place)) }
            if method == .toInverted { return .map(inverted) }
            try map.removeAll()
            for place in 0..<inverted.count { try map.put(inverted.key(at: place), inverted.value(at: place)) }
        case (.slice, 0...2):
            let range = try SliceRange(arguments, count: map.count)
            let slice = try MapObject(machine)
            for place in range.places { try slice.put(map.key(at: place), map.value(at: place)) }
            return .map(slice)
        default: return nil
        }
        return .null
    }

    private static func sort(
        _ map: MapObject, _ by: [Value], _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) {
        try map.reorder(Sorting.order(of: by, ascending: arguments.flag(0, true), machine))
    }

    static func list(_ values: [Value], _ machine: Machine) throws(TBELError) -> ListObject {
        try machine.reserve(values.count, of: 16)
        return try ListObject(values, machine)
    }

    static func set(_ values: [Value], _ machine: Machine) throws(TBELError) -> SetObject {
        try machine.reserve(values.count, of: 48)
        let set = try SetObject(machine)
        for value in values { _ = try set.add(value) }
        return set
    }
}

extension MapObject {
    func entries() throws(TBELError) -> [Value] {
        try machine.reserve(count, of: 64)
        return (0..<count).map { .entry(EntryObject(key: key(at: $0), value: value(at: $0))) }
    }
}

/// What `slice(start, end)` means: negative places count from the end, and an end behind the last value is the end.
struct SliceRange {
    var places: Range<Int>

    init(_ arguments: [Value], count: Int) throws(TBELError) {
        let start = SliceRange.start(try arguments.int(0, 0), count)
        let end = SliceRange.end(try arguments.int(1, count), count)
        guard start <= end else { throw .runtime("fromIndex(\(start)) > toIndex(\(end))") }
        places = start..<end
    }

    static func start(_ index: Int, _ count: Int) -> Int { index < -count ? 0 : index < 0 ? index + count : index }
    static func end(_ index: Int, _ count: Int) -> Int {
        index < -count ? 0 : index < 0 ? index + count : min(index, count)
    }
}

/// How lists, sets and maps are sorted: texts alone as texts, everything else as numbers.
enum Sorting {
    /// The places of `values` in their order; equals keep theirs.
    static func order(of values: [Value], ascending: Bool, _ machine: Machine) throws(TBELError) -> [Int] {
        let logarithm = Int.bitWidth - values.count.leadingZeroBitCount
        try machine.steps(values.count * logarithm / 2)
        let places = Array(values.indices)
        if let texts = values.texts {
            return places.sorted {
                let order = JavaText.compare(texts[$0], texts[$1])
                return order == 0 ? $0 < $1 : (order < 0) == ascending
            }
        }
        var numbers: [Double] = []
        numbers.reserveCapacity(values.count)
        for value in values {
            if let number = Number(value) {
                numbers.append(number.double)
            } else {
                let text = try value.javaText(machine)
                guard let number = JavaNumber.double(text) else { throw .notANumber(text) }
                numbers.append(number)
            }
        }
        return places.sorted {
            let (a, b) = (numbers[$0], numbers[$1])
            // As in Java, what is no number is larger than all.
            if a.isNaN || b.isNaN { return a.isNaN && b.isNaN ? $0 < $1 : b.isNaN == ascending }
            return a == b ? $0 < $1 : (a < b) == ascending
        }
    }
}

extension [Value] {
    /// All values as texts; `nil` unless all are texts.
    var texts: [String]? {
        var texts: [String] = []
        for value in self {
            guard case .text(let text) = value else { return nil }
            texts.append(text)
        }
        return texts
    }
}
