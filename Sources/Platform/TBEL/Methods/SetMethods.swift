/// Methods of sets (`rule-engine.md` 6.4).
enum SetMethods {
    static func call(
        _ set: SetObject, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        switch (method, arguments.count) {
        case (.size, 0), (.length, 0): return Value(set.count)
        case (.isEmpty, 0): return .bool(set.count == 0)
        case (.add, 1): return .bool(try set.add(arguments[0]))
        case (.addAll, 1):
            var changes = false
            for value in try arguments[0].collectionArgument() {
                try machine.step()
                if try set.add(value) { changes = true }
            }
            return .bool(changes)
        case (.remove, 1): return .bool(try set.remove(arguments[0]))
        case (.contains, 1): return .bool(set.contains(arguments[0]))
        case (.containsAll, 1):
            let values = try arguments[0].collectionArgument()
            try machine.steps(values.count)
            return .bool(values.allSatisfy(set.contains))
        case (.removeAll, 1), (.retainAll, 1):
            let others = try MapMethods.set(try arguments[0].collectionArgument(), machine)
            var changes = false
            for value in set.values where others.contains(value) == (method == .removeAll) {
                if try set.remove(value) { changes = true }
            }
            return .bool(changes)
        case (.clear, 0):
            try set.removeAll()
            return .null
        case (.toArray, 0), (.toList, 0): return .list(try MapMethods.list(set.values, machine))
        case (.clone, 0): return .set(try set.copy())
        case (.toUnmodifiable, 0):
            let copy = try set.copy()
            copy.makeReadOnly()
            return .set(copy)
        case (.sort, 0...1):
            try set.reorder(Sorting.order(of: set.values, ascending: arguments.flag(0, true), machine))
            return .null
        case (.toSorted, 0...1):
            let copy = try set.copy()
            try copy.reorder(Sorting.order(of: copy.values, ascending: arguments.flag(0, true), machine))
            return .set(copy)
        case (.join, 0...1): return .text(try ListMethods.join(set.values, arguments, machine))
        default: return nil
        }
    }
}
