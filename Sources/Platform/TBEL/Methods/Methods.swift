/// Methods by the type of what they are called on.
enum Methods {
    /// - Returns: `nil` when there is no such method with so many arguments.
    static func call(
        _ owner: Value, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        let result: Value? =
            switch owner {
            case .map(let map):
                if let series = map.series, series != .point,
                    let value = try SeriesMethods.call(map, series, method, arguments, machine)
                {
                    value
                } else {
                    try MapMethods.call(map, method, arguments, machine)
                }
            case .list(let list): try ListMethods.call(list, method, arguments, machine)
            case .set(let set): try SetMethods.call(set, method, arguments, machine)
            case .text(let text): try TextMethods.call(text, method, arguments, machine)
            case .type(let type): try type.call(method, arguments, machine)
            case .date(let date): try DateMethods.call(date, method, arguments, machine)
            case .random(let random): try random.call(method, arguments)
            case .int, .long, .float, .double: try NumberMethods.call(owner, method, arguments)
            case .bool(let flag): method == .booleanValue ? .bool(flag) : nil
            case .entry(let entry):
                switch method {
                case .getKey: entry.key
                case .getValue: entry.value
                default: nil
                }
            case .null, .undefined, .empty: nil
            }
        if let result { return result }
        // What every object has.
        switch (method, arguments.count) {
        case (.toString, 0): return .text(try owner.javaText(machine))
        case (.equals, 1): return .bool(sameObject(owner, arguments[0]))
        default: return nil
        }
    }
}

extension Value {
    /// An argument where Java wants an `int`: whole numbers, and what Java's rules for calls make one of.
    func intArgument() throws(TBELError) -> Int {
        switch self {
        case .int(let number): return Int(number)
        case .long(let number):
            if let small = Int32(exactly: number) { return Int(small) }
        case .float(let number): return Int(JavaNumber.int(Double(number)))
        case .double(let number): return Int(JavaNumber.int(number))
        case .text(let text):
            if let number = JavaNumber.integer(text), let small = Int32(exactly: number) { return Int(small) }
            throw .notANumber(text)
        default: break
        }
        throw .runtime("cannot convert \(typeName) to int")
    }

    func longArgument() throws(TBELError) -> Int64 {
        switch self {
        case .int(let number): return Int64(number)
        case .long(let number): return number
        case .float(let number): return JavaNumber.long(Double(number))
        case .double(let number): return JavaNumber.long(number)
        case .text(let text):
            guard let number = JavaNumber.integer(text) else { throw .notANumber(text) }
            return number
        default: throw .runtime("cannot convert \(typeName) to long")
        }
    }

    func doubleArgument() throws(TBELError) -> Double {
        if let number = Number(self) { return number.double }
        guard case .text(let text) = self else { throw .runtime("cannot convert \(typeName) to double") }
        guard let number = JavaNumber.double(text) else { throw .notANumber(text) }
        return number
    }

    func boolArgument() throws(TBELError) -> Bool {
        switch self {
        case .bool(let flag): return flag
        case .text(let text): return text.lowercased() == "true"
        default: throw .runtime("cannot convert \(typeName) to boolean")
        }
    }

    /// An argument where Java wants a text: numbers are converted, null is refused.
    func textArgument(_ machine: Machine) throws(TBELError) -> String {
        switch self {
        case .text(let text): return text
        case .null, .undefined: throw .runtime("null pointer: a text is missing")
        default: return try javaText(machine)
        }
    }

    func listArgument() throws(TBELError) -> ListObject {
        guard case .list(let list) = self else { throw .runtime("cannot convert \(typeName) to List") }
        return list
    }

    /// The values of a list or a set.
    func collectionArgument() throws(TBELError) -> [Value] {
        switch self {
        case .list(let list): return list.values
        case .set(let set): return set.values
        default: throw .runtime("cannot convert \(typeName) to Collection")
        }
    }
}

extension [Value] {
    /// Argument `index` as a boolean, or `fallback` when it was left out.
    func flag(_ index: Int, _ fallback: Bool) throws(TBELError) -> Bool {
        try index < count ? self[index].boolArgument() : fallback
    }

    func int(_ index: Int, _ fallback: Int) throws(TBELError) -> Int {
        try index < count ? self[index].intArgument() : fallback
    }
}
