/// Whether two texts have the same characters; texts that merely look alike are different.
@inline(__always)
func sameText(_ a: String, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count && a == b && (a.utf8.count == 0 || a.utf8.elementsEqual(b.utf8))
}

/// Whether Java's `equals` says so: an integer never equals a double, nor a list an array.
func sameObject(_ a: Value, _ b: Value, depth: Int = 0) -> Bool {
    guard depth < TBELLimits.depth else { return false }
    switch (a, b) {
    case (.null, .null), (.undefined, .undefined), (.null, .undefined), (.undefined, .null), (.empty, .empty):
        return true
    case (.bool(let a), .bool(let b)): return a == b
    case (.int(let a), .int(let b)): return a == b
    case (.long(let a), .long(let b)): return a == b
    case (.float(let a), .float(let b)): return a == b || (a.isNaN && b.isNaN)
    case (.double(let a), .double(let b)): return a == b || (a.isNaN && b.isNaN)
    case (.text(let a), .text(let b)): return sameText(a, b)
    case (.date(let a), .date(let b)): return a === b || a.time == b.time
    case (.random(let a), .random(let b)): return a === b
    case (.type(let a), .type(let b)): return a == b
    case (.entry(let a), .entry(let b)):
        return a === b || sameObject(a.key, b.key, depth: depth + 1) && sameObject(a.value, b.value, depth: depth + 1)
    case (.list(let a), .list(let b)):
        if a === b { return true }
        guard a.count == b.count, a.element == b.element, mayGoOn(a) else { return false }
        return !zip(a.values, b.values).contains { !sameObject($0, $1, depth: depth + 1) }
    case (.map(let a), .map(let b)):
        if a === b { return true }
        guard a.count == b.count, mayGoOn(a) else { return false }
        return !(0..<a.count).contains { !sameObject(a.value(at: $0), b.get(a.key(at: $0)), depth: depth + 1) }
    case (.set(let a), .set(let b)):
        return a === b || a.count == b.count && mayGoOn(a) && !a.values.contains { !b.contains($0) }
    default: return false
    }
}

/// Comparing takes time; when there is none left nothing is equal, and the run ends at its next step.
private func mayGoOn(_ container: Container) -> Bool {
    container.machine.spend(4)
    return !container.machine.isOver
}

/// A value as a key: equal and hashed as ``sameObject(_:_:depth:)`` has it.
struct HashedValue: Hashable {
    let value: Value

    static func == (a: HashedValue, b: HashedValue) -> Bool { sameObject(a.value, b.value) }

    func hash(into hasher: inout Hasher) {
        switch value {
        case .text(let text):
            var text = text
            text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        case .int(let number): hasher.combine(number)
        case .long(let number): hasher.combine(number)
        case .double(let number): hasher.combine(number)
        case .float(let number): hasher.combine(number)
        case .bool(let flag): hasher.combine(flag)
        case .date(let date): hasher.combine(date.time)
        // What can change is told apart by comparison alone.
        default: hasher.combine(0)
        }
    }
}
