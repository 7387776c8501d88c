import JSON

/// `JSON` as a class.
enum JSONClass {
    static func call(_ method: MethodName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value? {
        switch (method, arguments.count) {
        case (.stringify, 1):
            let text = try self.text(arguments[0], machine)
            return .text(text)
        case (.parse, 1):
            if arguments[0].isNull { return .null }
            return try parse(arguments[0].textArgument(machine), machine)
        default: return nil
        }
    }

    static func parse(_ text: String, _ machine: Machine) throws(TBELError) -> Value {
        // What the text becomes is larger than the text, and is not counted while it is read.
        try machine.reserve(text.utf8.count, of: 8)
        let json: JSONValue
        do {
            json = try JSONValue.parse(text, maximumDepth: TBELLimits.depth)
        } catch {
            throw .runtime("The text is no JSON: \(error)")
        }
        return try Value(json, machine)
    }

    static func text(_ value: Value, _ machine: Machine) throws(TBELError) -> String {
        var bytes: [UInt8] = []
        try write(value, to: &bytes, machine, depth: 0)
        try machine.makeText(of: bytes.count)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Numbers are written as Java does: `1.0E10`.
    private static func write(
        _ value: Value, to bytes: inout [UInt8], _ machine: Machine, depth: Int
    ) throws(TBELError) {
        guard depth < TBELLimits.depth else { throw .runtime("Too many lists and maps inside each other") }
        try machine.step()
        try machine.checkText(of: bytes.count)
        switch value {
        case .null, .undefined: bytes += Array("null".utf8)
        case .bool(let flag): bytes += Array((flag ? "true" : "false").utf8)
        case .int(let number): JSONNumber.append(Int64(number), to: &bytes)
        case .long(let number): JSONNumber.append(number, to: &bytes)
        case .float(let number) where number.isFinite: bytes += Array(JavaNumber.text(number).utf8)
        case .double(let number) where number.isFinite: JSONNumber.append(number, as: .scientific, to: &bytes)
        case .float, .double, .date, .type, .random, .empty:
            JSONText.appendQuoted(try value.javaText(machine), to: &bytes)
        case .text(let text): JSONText.appendQuoted(text, to: &bytes)
        case .list(let list) where list.element == .byte:
            JSONText.appendQuoted(Base64.text(try TBEL.bytes(of: list)), to: &bytes)
        case .list(let list): try write(list.values, to: &bytes, machine, depth)
        case .set(let set): try write(set.values, to: &bytes, machine, depth)
        case .entry(let entry): try write([(entry.key, entry.value)], to: &bytes, machine, depth)
        case .map(let map): try write(Array(zip(map.allKeys, map.allValues)), to: &bytes, machine, depth)
        }
    }

    private static func write(
        _ values: [Value], to bytes: inout [UInt8], _ machine: Machine, _ depth: Int
    ) throws(TBELError) {
        bytes.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            try write(value, to: &bytes, machine, depth: depth + 1)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private static func write(
        _ entries: [(Value, Value)], to bytes: inout [UInt8], _ machine: Machine, _ depth: Int
    ) throws(TBELError) {
        bytes.append(UInt8(ascii: "{"))
        for (index, entry) in entries.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONText.appendQuoted(try entry.0.javaText(machine), to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            try write(entry.1, to: &bytes, machine, depth: depth + 1)
        }
        bytes.append(UInt8(ascii: "}"))
    }
}
