/// What an array of primitive values holds.
enum ElementType: String {
    case byte, char, short, int, long, float, double, boolean

    var arrayName: String { "\(rawValue)[]" }

    var zero: Value {
        switch self {
        case .byte, .short, .int: .int(0)
        case .char: .text("\0")
        case .long: .long(0)
        case .float: .float(0)
        case .double: .double(0)
        case .boolean: .bool(false)
        }
    }
}

/// A list, or an array: a list that cannot grow.
final class ListObject: Container {
    private(set) var values: [Value]
    /// What an array holds; `nil` for a list.
    let element: ElementType?
    private(set) var isReadOnly = false

    /// - Throws: ``TBELError/Kind/memory`` when there is no room for it.
    init(_ values: [Value] = [], of element: ElementType? = nil, _ machine: Machine) throws(TBELError) {
        self.values = values
        self.element = element
        super.init(in: machine)
        var size = Container.ownSize
        for value in values {
            size += value.size
            if value.isContainer { holdsContainers = true }
        }
        try charge(size)
    }

    deinit {
        if holdsContainers { machine.sweep(&values) }
    }

    override func removeEverything() { values.removeAll() }

    var count: Int { values.count }

    @inline(__always)
    subscript(index: Int) -> Value { values[index] }

    private func willChange(growing: Bool) throws(TBELError) {
        if isReadOnly { throw .runtime("The list cannot be changed") }
        if growing, element != nil { throw .runtime("An array cannot change its size") }
    }

    private func charge(for value: Value) throws(TBELError) {
        if value.isContainer { holdsContainers = true }
        try charge(value.size)
    }

    func makeReadOnly() { isReadOnly = true }

    func append(_ value: Value) throws(TBELError) {
        try willChange(growing: true)
        try charge(for: value)
        values.append(value)
    }

    func insert(_ value: Value, at index: Int) throws(TBELError) {
        try willChange(growing: true)
        guard index >= 0, index <= count else { throw outOfBounds(index) }
        try charge(for: value)
        try machine.steps((count - index) / 64)
        values.insert(value, at: index)
    }

    /// Puts `value` in the place of what is at `index`, which it returns.
    @discardableResult
    func set(_ value: Value, at index: Int) throws(TBELError) -> Value {
        try willChange(growing: false)
        guard index >= 0, index < count else { throw outOfBounds(index) }
        let old = values[index]
        try charge(for: value)
        try charge(-old.size)
        values[index] = value
        return old
    }

    @discardableResult
    func remove(at index: Int) throws(TBELError) -> Value {
        try willChange(growing: true)
        guard index >= 0, index < count else { throw outOfBounds(index) }
        try machine.steps((count - index) / 64)
        let old = values.remove(at: index)
        try charge(-old.size)
        return old
    }

    /// Puts others in the place of all.
    func replaceAll(_ others: [Value]) throws(TBELError) {
        try willChange(growing: others.count != count)
        let before = values.reduce(0) { $0 + $1.size }
        for value in others { try charge(for: value) }
        try charge(-before)
        values = others
    }

    func get(_ index: Int) throws(TBELError) -> Value {
        guard index >= 0, index < count else { throw outOfBounds(index) }
        return values[index]
    }

    func outOfBounds(_ index: Int) -> TBELError {
        .runtime("Index \(index) out of bounds for length \(count)")
    }

    /// A list of the same values.
    func copy() throws(TBELError) -> ListObject {
        try machine.reserve(count, of: 16)
        return try ListObject(values, of: element, machine)
    }
}
