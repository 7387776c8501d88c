import JSON

extension Value {
    /// A value as scripts see JSON: integers of 32 bits where they fit.
    init(_ json: JSONValue, _ machine: Machine) throws(TBELError) {
        switch json {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .integer(let number): self.init(integer: number)
        case .double(let number): self = .double(number)
        case .number(let text): self = Double(text).map { .double($0) } ?? .text(text)
        case .string(let text): self = .text(text)
        case .array(let elements):
            var values: [Value] = []
            values.reserveCapacity(elements.count)
            for element in elements { values.append(try Value(element, machine)) }
            self = .list(try ListObject(values, machine))
        case .object(let object):
            let map = try MapObject(machine)
            for (key, value) in object { try map.put(.text(key), try Value(value, machine)) }
            self = .map(map)
        }
    }

    /// What a script's result is for the world: dates as texts, sets and arrays as lists.
    func json(_ machine: Machine, depth: Int = 0, bytesAreText: Bool = false) throws(TBELError) -> JSONValue {
        guard depth < TBELLimits.depth else { throw .runtime("Too many lists and maps inside each other") }
        if depth == 0 { machine.startWriting() }
        try machine.write(size)
        switch self {
        case .null, .undefined: return .null
        case .bool(let flag): return .bool(flag)
        case .int(let number): return .integer(Int64(number))
        case .long(let number): return .integer(number)
        case .float(let number):
            return number.isFinite ? .double(Double(number.description) ?? 0) : .string(JavaNumber.text(number))
        case .double(let number): return number.isFinite ? .double(number) : .string(JavaNumber.text(number))
        case .text(let text): return .string(text)
        case .date, .type, .random, .empty: return .string(try javaText(machine))
        case .list(let list):
            if bytesAreText, list.element == .byte { return .string(Base64.text(try bytes(of: list))) }
            return .array(try Value.json(list.values, machine, depth, bytesAreText))
        case .set(let set): return .array(try Value.json(set.values, machine, depth, bytesAreText))
        case .entry(let entry):
            var object = JSONObject()
            object[try entry.key.javaText(machine)] = try entry.value.json(
                machine, depth: depth + 1, bytesAreText: bytesAreText)
            return .object(object)
        case .map(let map):
            var object = JSONObject(minimumCapacity: map.count)
            for place in 0..<map.count {
                let value = try map.value(at: place).json(machine, depth: depth + 1, bytesAreText: bytesAreText)
                object[try map.key(at: place).javaText(machine)] = value
            }
            return .object(object)
        }
    }

    private static func json(
        _ values: [Value], _ machine: Machine, _ depth: Int, _ bytesAreText: Bool
    ) throws(TBELError) -> [JSONValue] {
        var elements: [JSONValue] = []
        elements.reserveCapacity(values.count)
        for value in values { elements.append(try value.json(machine, depth: depth + 1, bytesAreText: bytesAreText)) }
        return elements
    }
}
