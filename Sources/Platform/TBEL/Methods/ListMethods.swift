/// Methods of lists and arrays (`rule-engine.md` 6.4).
enum ListMethods {
    static func call(
        _ list: ListObject, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        switch (method, arguments.count) {
        case (.size, 0), (.length, 0): return Value(list.count)
        case (.isEmpty, 0): return .bool(list.count == 0)
        case (.get, 1): return try list.get(arguments[0].intArgument())
        case (.set, 2): return try list.set(arguments[1], at: arguments[0].intArgument())
        case (.push, 1), (.add, 1):
            try list.append(arguments[0])
            return .bool(true)
        case (.add, 2):
            try list.insert(arguments[1], at: arguments[0].intArgument())
            return .null
        case (.unshift, 1):
            try list.insert(arguments[0], at: 0)
            return .null
        case (.addAll, 1):
            let values = try arguments[0].collectionArgument()
            for value in values { try list.append(value) }
            return .bool(!values.isEmpty)
        case (.addAll, 2):
            let index = try arguments[0].intArgument()
            let values = try arguments[1].collectionArgument()
            for (place, value) in values.enumerated() { try list.insert(value, at: index + place) }
            return .bool(!values.isEmpty)
        case (.pop, 0): return try list.count == 0 ? .null : list.remove(at: list.count - 1)
        case (.shift, 0): return try list.remove(at: 0)
        case (.remove, 1):
            if case .int(let index) = arguments[0] { return try list.remove(at: Int(index)) }
            guard let index = try place(of: arguments[0], in: list, machine) else { return .bool(false) }
            try list.remove(at: index)
            return .bool(true)
        case (.clear, 0):
            try list.replaceAll([])
            return .null
        case (.indexOf, 1): return Value(try place(of: arguments[0], in: list, machine) ?? -1)
        case (.indexOf, 2):
            try machine.steps(list.count / 4)
            let start = max(0, SliceRange.start(try arguments[1].intArgument(), list.count))
            guard start <= list.count else { throw .runtime("fromIndex(\(start)) > toIndex(\(list.count))") }
            return Value(list.values[start...].firstIndex { sameObject($0, arguments[0]) } ?? -1)
        case (.lastIndexOf, 1):
            try machine.steps(list.count / 4)
            return Value(list.values.lastIndex { sameObject($0, arguments[0]) } ?? -1)
        case (.contains, 1): return .bool(try place(of: arguments[0], in: list, machine) != nil)
        case (.clone, 0): return .list(try list.copy())
        case (.toArray, 0), (.toList, 0): return .list(try ListObject(list.values, machine))
        case (.toUnmodifiable, 0):
            let copy = try list.copy()
            copy.makeReadOnly()
            return .list(copy)
        case (.memorySize, 0): return .long(Int64(list.charged))
        case (.validateClazzInArrayIsOnlyString, 0): return .bool(list.values.texts != nil)
        case (.validateClazzInArrayIsOnlyNumber, 0): return .bool(!list.values.contains { Number($0) == nil })
        default: return try order(list, method, arguments, machine)
        }
    }

    private static func place(of value: Value, in list: ListObject, _ machine: Machine) throws(TBELError) -> Int? {
        try machine.steps(list.count / 4)
        return list.values.firstIndex { sameObject($0, value) }
    }

    /// Methods that change the order, or make another list.
    private static func order(
        _ list: ListObject, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        switch (method, arguments.count) {
        case (.sort, 0...1): try sort(list, arguments, machine)
        case (.toSorted, 0...1):
            let copy = try list.copy()
            try sort(copy, arguments, machine)
            return .list(copy)
        case (.reverse, 0): try list.replaceAll(list.values.reversed())
        case (.toReversed, 0):
            let copy = try list.copy()
            try copy.replaceAll(list.values.reversed())
            return .list(copy)
        case (.concat, 1):
            let sum = try ListObject(list.values, machine)
            for value in try arguments[0].collectionArgument() { try sum.append(value) }
            return .list(sum)
        case (.slice, 0...2):
            return .list(
                try ListObject(Array(list.values[SliceRange(arguments, count: list.count).checked(list)]), machine))
        case (.subList, 2):
            let range = (try arguments[0].intArgument(), try arguments[1].intArgument())
            guard range.0 >= 0, range.0 <= range.1, range.1 <= list.count else { throw list.outOfBounds(range.1) }
            return .list(try ListObject(Array(list.values[range.0..<range.1]), machine))
        case (.splice, 1...): return .list(try splice(list, arguments, deletes: list.count, machine))
        case (.toSpliced, 1...):
            let copy = try ListObject(list.values, machine)
            _ = try splice(copy, arguments, deletes: 0, machine)
            return .list(copy)
        case (.with, 2):
            let index = try arguments[0].intArgument()
            let place = index < 0 ? index + list.count : index
            guard place >= 0, place < list.count else { throw .runtime("Index: \(index), Size: \(list.count)") }
            let copy = try ListObject(list.values, machine)
            try copy.insert(arguments[1], at: place)
            return .list(copy)
        case (.fill, 1...3):
            let start = SliceRange.start(try arguments.int(1, 0), list.count)
            let end = SliceRange.end(try arguments.int(2, list.count), list.count)
            if start < end { for index in start..<end { try list.set(arguments[0], at: index) } }
            return .list(list)
        case (.join, 0...1): return .text(try join(list.values, arguments, machine))
        case (.removeAll, 1), (.retainAll, 1):
            let others = try arguments[0].collectionArgument()
            try machine.steps(list.count * others.count / 4)
            let kept = list.values.filter { value in others.contains { sameObject($0, value) } == (method == .retainAll)
            }
            let changes = kept.count != list.count
            try list.replaceAll(kept)
            return .bool(changes)
        case (.containsAll, 1):
            let others = try arguments[0].collectionArgument()
            try machine.steps(list.count * others.count / 4)
            return .bool(others.allSatisfy { other in list.values.contains { sameObject($0, other) } })
        case (.hashCode, 0): return .int(try hash(list.values))
        default: return nil
        }
        return .null
    }

    private static func sort(_ list: ListObject, _ arguments: [Value], _ machine: Machine) throws(TBELError) {
        let values = list.values
        let order = try Sorting.order(of: values, ascending: arguments.flag(0, true), machine)
        try list.replaceAll(order.map { values[$0] })
    }

    /// Takes `arguments[1]` values out from `arguments[0]` on and puts the rest of the arguments there; returns what came
    /// out.
    private static func splice(
        _ list: ListObject, _ arguments: [Value], deletes: Int, _ machine: Machine
    ) throws(TBELError) -> ListObject {
        let start = SliceRange.start(try arguments[0].intArgument(), list.count)
        guard start <= list.count else { throw list.outOfBounds(start) }
        let count = min(max(try arguments.int(1, deletes), 0), list.count - start)
        let removed = Array(list.values[start..<start + count])
        try machine.steps(list.count / 16)
        var values = list.values
        values.replaceSubrange(start..<start + count, with: arguments.dropFirst(2))
        try list.replaceAll(values)
        return try ListObject(removed, machine)
    }

    /// Values with a comma, or what was asked for, between them; lists in the list lose their brackets.
    static func join(_ values: [Value], _ arguments: [Value], _ machine: Machine) throws(TBELError) -> String {
        let separator = try arguments.isEmpty ? "," : arguments[0].textArgument(machine)
        var text = ""
        for (index, value) in values.enumerated() {
            if value.isNull { throw .runtime("null pointer: join of null") }
            if index > 0 { text += separator }
            text += try value.javaText(machine)
            try machine.step()
            try machine.checkText(of: text.utf8.count)
        }
        try machine.makeText(of: text.utf8.count)
        text = try JavaText.replace(text, ", ", with: ",", machine)
        return String(decoding: text.utf8.filter { $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]") }, as: UTF8.self)
    }

    private static func hash(_ values: [Value]) throws(TBELError) -> Int32 {
        var hash: Int32 = 1
        for value in values {
            let part: Int32
            switch value {
            case .int(let number): part = number
            case .text(let text): part = JavaText.hash(text)
            case .bool(let flag): part = flag ? 1231 : 1237
            case .long(let number): part = Int32(truncatingIfNeeded: number ^ (number >> 32))
            default: throw .runtime("hashCode of a list with \(value.typeName)")
            }
            hash = hash &* 31 &+ part
        }
        return hash
    }
}

extension SliceRange {
    /// The places, which must be inside of `list`.
    func checked(_ list: ListObject) throws(TBELError) -> Range<Int> {
        guard places.lowerBound >= 0, places.upperBound <= list.count else { throw list.outOfBounds(places.upperBound) }
        return places
    }
}
