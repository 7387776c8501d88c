/// `Integer`, `Long`, `Short` and `Byte` as classes.
enum IntegerClasses {
    static func call(
        _ type: TypeName, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        switch (method, arguments.count) {
        case (.parseInt, 1...2), (.parseLong, 1...2), (.parseShort, 1...2), (.parseByte, 1...2):
            return try parse(arguments, type, machine)
        case (.valueOf, 1...2):
            if arguments.count == 1, Number(arguments[0]) != nil { return try made(arguments[0].longArgument(), type) }
            return try parse(arguments, type, machine)
        case (.parseUnsignedInt, 1...2), (.parseUnsignedLong, 1...2):
            let text = try arguments[0].textArgument(machine)
            guard let value = UInt64(text, radix: try radix(arguments)), !text.hasPrefix("-") else {
                throw .notANumber(text)
            }
            if method == .parseUnsignedLong { return .long(Int64(bitPattern: value)) }
            guard value <= UInt64(UInt32.max) else { throw .notANumber(text) }
            return .int(Int32(bitPattern: UInt32(value)))
        case (.toString, 1...2): return .text(String(try number(arguments[0], type), radix: try radix(arguments)))
        case (.toHexString, 1): return .text(String(try bits(arguments[0], type), radix: 16))
        case (.toOctalString, 1): return .text(String(try bits(arguments[0], type), radix: 8))
        case (.toBinaryString, 1): return .text(String(try bits(arguments[0], type), radix: 2))
        case (.toUnsignedString, 1): return .text(String(try bits(arguments[0], type)))
        case (.toUnsignedInt, 1): return .int(Int32(truncatingIfNeeded: try bits(arguments[0], type)))
        case (.toUnsignedLong, 1): return .long(Int64(bitPattern: try bits(arguments[0], type)))
        case (.bitCount, 1): return Value(try bits(arguments[0], type).nonzeroBitCount)
        case (.signum, 1): return Value(integer: try number(arguments[0], type).signum())
        case (.reverseBytes, 1): return .some(reverseBytes(try number(arguments[0], type), type))
        case (.reverse, 1): return .some(reverseBits(try number(arguments[0], type), type))
        case (.numberOfLeadingZeros, 1):
            return Value(try bits(arguments[0], type).leadingZeroBitCount - (64 - width(type)))
        case (.numberOfTrailingZeros, 1):
            return Value(min(try bits(arguments[0], type).trailingZeroBitCount, width(type)))
        case (.highestOneBit, 1):
            let bits = try bits(arguments[0], type)
            return made(truncating: bits == 0 ? 0 : 1 << (63 - UInt64(bits.leadingZeroBitCount)), type)
        case (.lowestOneBit, 1):
            let bits = try bits(arguments[0], type)
            return made(truncating: bits & (~bits &+ 1), type)
        default: return try callTwo(type, method, arguments)
        }
    }

    private static func callTwo(
        _ type: TypeName, _ method: MethodName, _ arguments: [Value]
    ) throws(TBELError) -> Value? {
        guard arguments.count == 2 else { return nil }
        let (a, b) = (try number(arguments[0], type), try number(arguments[1], type))
        let (left, right) = (try bits(arguments[0], type), try bits(arguments[1], type))
        switch method {
        case .compare: return .int(a < b ? -1 : a == b ? 0 : 1)
        case .compareUnsigned: return .int(left < right ? -1 : left == right ? 0 : 1)
        case .sum: return made(truncating: UInt64(bitPattern: a &+ b), type)
        case .max: return made(truncating: UInt64(bitPattern: max(a, b)), type)
        case .min: return made(truncating: UInt64(bitPattern: min(a, b)), type)
        case .divideUnsigned, .remainderUnsigned:
            if right == 0 { throw .runtime("/ by zero") }
            return made(truncating: method == .divideUnsigned ? left / right : left % right, type)
        case .rotateLeft, .rotateRight:
            let size = UInt64(width(type))
            let steps = UInt64(bitPattern: method == .rotateLeft ? b : -(b % Int64(size))) % size
            let rotated = steps == 0 ? left : left << steps | left >> (size - steps)
            return made(truncating: rotated, type)
        default: return nil
        }
    }

    private static func width(_ type: TypeName) -> Int { type == .long ? 64 : 32 }

    private static func radix(_ arguments: [Value]) throws(TBELError) -> Int {
        let radix = try arguments.int(1, 10)
        guard (2...36).contains(radix) else { throw .runtime("radix \(radix) is not between 2 and 36") }
        return radix
    }

    private static func number(_ value: Value, _ type: TypeName) throws(TBELError) -> Int64 {
        try type == .long ? value.longArgument() : Int64(value.intArgument())
    }

    /// The bits of a number without its sign: of a byte or a short, 8 or 16 of them.
    private static func bits(_ value: Value, _ type: TypeName) throws(TBELError) -> UInt64 {
        let number = try number(value, type)
        switch type {
        case .long: return UInt64(bitPattern: number)
        case .byte: return UInt64(UInt8(truncatingIfNeeded: number))
        case .short: return UInt64(UInt16(truncatingIfNeeded: number))
        default: return UInt64(UInt32(truncatingIfNeeded: number))
        }
    }

    private static func made(truncating bits: UInt64, _ type: TypeName) -> Value {
        type == .long ? .long(Int64(bitPattern: bits)) : .int(Int32(truncatingIfNeeded: bits))
    }

    private static func made(_ number: Int64, _ type: TypeName) throws(TBELError) -> Value {
        if type == .long { return .long(number) }
        return .int(Int32(truncatingIfNeeded: number))
    }

    private static func reverseBytes(_ number: Int64, _ type: TypeName) -> Value {
        type == .long ? .long(number.byteSwapped) : .int(Int32(truncatingIfNeeded: number).byteSwapped)
    }

    private static func reverseBits(_ number: Int64, _ type: TypeName) -> Value {
        var reversed: UInt64 = 0
        let bits = UInt64(bitPattern: number)
        for bit in 0..<width(type) where bits >> UInt64(bit) & 1 == 1 { reversed |= 1 << UInt64(width(type) - 1 - bit) }
        return made(truncating: reversed, type)
    }

    private static func parse(_ arguments: [Value], _ type: TypeName, _ machine: Machine) throws(TBELError) -> Value {
        let text = try arguments[0].textArgument(machine)
        guard let number = JavaNumber.integer(text, radix: try radix(arguments)) else { throw .notANumber(text) }
        let bits = type == .byte ? 7 : type == .short ? 15 : Int64(width(type) - 1)
        guard type == .long || (-(1 << bits)..<(1 << bits)).contains(number) else { throw .notANumber(text) }
        return type == .long ? .long(number) : .int(Int32(number))
    }
}

/// `Double` and `Float` as classes.
enum RealClasses {
    static func call(
        _ type: TypeName, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        let isDouble = type == .double
        func made(_ value: Double) -> Value { isDouble ? .double(value) : .float(Float(value)) }
        switch (method, arguments.count) {
        case (.parseDouble, 1), (.parseFloat, 1), (.valueOf, 1): return made(try arguments[0].doubleArgument())
        case (.toString, 1): return .text(try made(arguments[0].doubleArgument()).javaText(machine))
        case (.isNaN, 1): return .bool(try arguments[0].doubleArgument().isNaN)
        case (.isInfinite, 1): return .bool(try arguments[0].doubleArgument().isInfinite)
        case (.isFinite, 1): return .bool(try arguments[0].doubleArgument().isFinite)
        case (.compare, 2):
            let (a, b) = (try arguments[0].doubleArgument(), try arguments[1].doubleArgument())
            if a.isNaN || b.isNaN { return .int(a.isNaN == b.isNaN ? 0 : a.isNaN ? 1 : -1) }
            return .int(a < b ? -1 : a > b ? 1 : 0)
        case (.sum, 2): return made(try arguments[0].doubleArgument() + arguments[1].doubleArgument())
        case (.max, 2), (.min, 2):
            return try MathClass.extreme(
                made(arguments[0].doubleArgument()), made(arguments[1].doubleArgument()), smaller: method == .min)
        case (.doubleToLongBits, 1), (.doubleToRawLongBits, 1):
            return .long(Int64(bitPattern: try arguments[0].doubleArgument().bitPattern))
        case (.longBitsToDouble, 1):
            return .double(Double(bitPattern: UInt64(bitPattern: try arguments[0].longArgument())))
        case (.floatToIntBits, 1), (.floatToRawIntBits, 1):
            return .int(Int32(bitPattern: Float(try arguments[0].doubleArgument()).bitPattern))
        case (.intBitsToFloat, 1):
            return .float(Float(bitPattern: UInt32(truncatingIfNeeded: try arguments[0].longArgument())))
        default: return nil
        }
    }
}
