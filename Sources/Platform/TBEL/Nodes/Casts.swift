/// What `(T) x` turns values into.
enum CastType: String {
    case int, long, double, float, string = "String", boolean, byte, short, char

    /// From the name of a primitive type or of the class around it.
    init?(name: String) {
        switch name {
        case "Integer": self = .int
        case "Long": self = .long
        case "Double": self = .double
        case "Float": self = .float
        case "Boolean": self = .boolean
        case "Byte": self = .byte
        case "Short": self = .short
        case "Character": self = .char
        default: self.init(rawValue: name)
        }
    }

    func convert(_ value: Value, _ machine: Machine) throws(TBELError) -> Value {
        if value.isNull { return .null }
        switch self {
        case .string: return .text(try value.javaText(machine))
        case .boolean:
            switch value {
            case .bool: return value
            case .text(let text): return .bool(text.lowercased() == "true")
            case .int(let number): return .bool(number != 0)
            default: break
            }
        case .char:
            switch value {
            case .text(let text) where JavaText.length(text) == 1: return value
            case .int(let number):
                return .text(String(decoding: [UInt16(truncatingIfNeeded: number)], as: UTF16.self))
            default: break
            }
        case .int: return .int(Int32(truncatingIfNeeded: try whole(value, Int64(Int32.min)...Int64(Int32.max))))
        case .byte: return .int(Int32(Int8(truncatingIfNeeded: try whole(value, Int64(Int32.min)...Int64(Int32.max)))))
        case .short:
            return .int(Int32(Int16(truncatingIfNeeded: try whole(value, Int64(Int32.min)...Int64(Int32.max)))))
        case .long: return .long(try whole(value, Int64.min...Int64.max))
        case .double: return .double(try real(value))
        case .float: return .float(Float(try real(value)))
        }
        throw .runtime("cannot convert \(value.typeName) to \(rawValue)")
    }

    private func whole(_ value: Value, _ range: ClosedRange<Int64>) throws(TBELError) -> Int64 {
        switch value {
        case .int(let number): return Int64(number)
        case .long(let number): return number
        case .float(let number): return min(max(JavaNumber.long(Double(number)), range.lowerBound), range.upperBound)
        case .double(let number): return min(max(JavaNumber.long(number), range.lowerBound), range.upperBound)
        case .bool(let flag): return flag ? 1 : 0
        case .text(let text):
            guard let number = JavaNumber.integer(text), range.contains(number) else { throw .notANumber(text) }
            return number
        default: throw .runtime("cannot convert \(value.typeName) to \(rawValue)")
        }
    }

    private func real(_ value: Value) throws(TBELError) -> Double {
        if let number = Number(value) { return number.double }
        guard case .text(let text) = value else { throw .runtime("cannot convert \(value.typeName) to \(rawValue)") }
        guard let number = JavaNumber.double(text) else { throw .notANumber(text) }
        return number
    }
}

extension ElementType {
    /// `value` as an array of this type holds it.
    func converted(_ value: Value) throws(TBELError) -> Value {
        switch (self, value) {
        case (.boolean, .bool): return value
        case (.char, .text(let text)) where JavaText.length(text) == 1: return value
        case (.boolean, _), (.char, _): throw .runtime("\(value.typeName) cannot be put into \(arrayName)")
        default: break
        }
        guard let number = Number(value) else { throw .runtime("\(value.typeName) cannot be put into \(arrayName)") }
        switch self {
        case .byte: return .int(Int32(Int8(truncatingIfNeeded: number.integer ?? JavaNumber.long(number.double))))
        case .short: return .int(Int32(Int16(truncatingIfNeeded: number.integer ?? JavaNumber.long(number.double))))
        case .int: return .int(Int32(truncatingIfNeeded: number.integer ?? Int64(JavaNumber.int(number.double))))
        case .long: return .long(number.integer ?? JavaNumber.long(number.double))
        case .float: return .float(Float(number.double))
        default: return .double(number.double)
        }
    }
}

extension TBELError {
    static func notANumber(_ text: String) -> TBELError {
        .runtime("For input string: \"\(text.prefix(100))\"")
    }
}
