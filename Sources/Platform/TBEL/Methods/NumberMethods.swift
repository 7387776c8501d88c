/// Methods of numbers.
enum NumberMethods {
    static func call(_ value: Value, _ method: MethodName, _ arguments: [Value]) throws(TBELError) -> Value? {
        guard let number = Number(value) else { return nil }
        switch (method, arguments.count) {
        case (.intValue, 0):
            return .int(number.integer.map { Int32(truncatingIfNeeded: $0) } ?? JavaNumber.int(number.double))
        case (.longValue, 0): return .long(number.integer ?? JavaNumber.long(number.double))
        case (.doubleValue, 0): return .double(number.double)
        case (.floatValue, 0): return .float(Float(number.double))
        case (.byteValue, 0):
            return .int(Int32(Int8(truncatingIfNeeded: number.integer ?? JavaNumber.long(number.double))))
        case (.shortValue, 0):
            return .int(Int32(Int16(truncatingIfNeeded: number.integer ?? JavaNumber.long(number.double))))
        case (.isNaN, 0): return .bool(number.double.isNaN)
        case (.isInfinite, 0): return .bool(number.double.isInfinite)
        case (.compareTo, 1):
            guard let order = try Comparison.order(value, arguments[0]) else {
                throw .runtime("null pointer: compareTo")
            }
            return Value(order.signum())
        case (.hashCode, 0):
            guard let integer = number.integer else { return nil }
            return .int(Int32(truncatingIfNeeded: number.isInt ? integer : integer ^ (integer >> 32)))
        default: return nil
        }
    }
}

extension RandomObject {
    func call(_ method: MethodName, _ arguments: [Value]) throws(TBELError) -> Value? {
        switch (method, arguments.count) {
        case (.nextInt, 0): return .int(nextInt())
        case (.nextInt, 1):
            let bound = try arguments[0].intArgument()
            guard bound > 0 else { throw .runtime("bound must be positive") }
            return .int(nextInt(below: Int32(bound)))
        case (.nextLong, 0): return .long(nextLong())
        case (.nextDouble, 0): return .double(nextDouble())
        case (.nextFloat, 0): return .float(nextFloat())
        case (.nextBoolean, 0): return .bool(nextBool())
        default: return nil
        }
    }
}
