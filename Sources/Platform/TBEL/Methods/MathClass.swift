import Glibc

/// Java's `Math`.
enum MathClass {
    static func call(_ method: MethodName, _ arguments: [Value]) throws(TBELError) -> Value? {
        switch arguments.count {
        case 0: return method == .random ? .double(Double.random(in: 0..<1)) : nil
        case 1: return try call(method, arguments[0])
        case 2: return try call(method, arguments[0], arguments[1])
        default: return nil
        }
    }

    private static func call(_ method: MethodName, _ argument: Value) throws(TBELError) -> Value? {
        switch method {
        case .abs, .round, .incrementExact, .decrementExact, .negateExact, .toIntExact, .absExact:
            return try kept(method, argument)
        default: break
        }
        let x = try argument.doubleArgument()
        switch method {
        case .ceil: return .double(x.rounded(.up))
        case .floor: return .double(x.rounded(.down))
        case .rint: return .double(x.rounded(.toNearestOrEven))
        case .sqrt: return .double(x.squareRoot())
        case .cbrt: return .double(cubeRoot(x))
        case .exp: return .double(exp(x))
        case .expm1: return .double(expm1(x))
        case .log: return .double(log(x))
        case .log10: return .double(log10(x))
        case .log1p: return .double(log1p(x))
        case .sin: return .double(sin(x))
        case .cos: return .double(cos(x))
        case .tan: return .double(tan(x))
        case .asin: return .double(asin(x))
        case .acos: return .double(acos(x))
        case .atan: return .double(atan(x))
        case .sinh: return .double(sinh(x))
        case .cosh: return .double(cosh(x))
        case .tanh: return .double(tanh(x))
        case .toRadians: return .double(x * 0.017453292519943295)
        case .toDegrees: return .double(x * 57.29577951308232)
        case .signum: return .double(x.isNaN || x == 0 ? x : x < 0 ? -1 : 1)
        case .ulp: return .double(x.magnitude.ulp)
        default: return nil
        }
    }

    /// The root of a cube is exact.
    private static func cubeRoot(_ x: Double) -> Double {
        let root = cbrt(x)
        let whole = root.rounded()
        return whole * whole * whole == x ? whole : root
    }

    /// Functions whose result is of the kind of the argument.
    private static func kept(_ method: MethodName, _ argument: Value) throws(TBELError) -> Value? {
        guard let number = Number(argument) else { return try kept(method, .double(argument.doubleArgument())) }
        switch (method, number) {
        case (.abs, .int(let x)): return Value(integer: Swift.abs(Int64(x)))
        case (.abs, .long(let x)): return .long(x == .min ? .max : Swift.abs(x))
        case (.abs, .float(let x)): return .float(Swift.abs(x))
        case (.abs, .double(let x)): return .double(Swift.abs(x))
        // Half goes up; a float gives an int.
        case (.round, .float(let x)): return .int(JavaNumber.int(Double(x + 0.5).rounded(.down)))
        case (.round, .double(let x)): return .long(JavaNumber.long(round(x)))
        case (.round, .int(let x)): return .int(x)
        case (.round, .long(let x)): return .long(x)
        case (.toIntExact, _):
            guard let integer = number.integer, let small = Int32(exactly: integer) else { throw overflow }
            return .int(small)
        default: break
        }
        guard let integer = number.integer else { return nil }
        let delta: Int64 = method == .incrementExact ? 1 : -1
        switch method {
        case .incrementExact, .decrementExact: return try exact(integer.addingReportingOverflow(delta), number.isInt)
        case .negateExact: return try exact((0 as Int64).subtractingReportingOverflow(integer), number.isInt)
        case .absExact:
            return try exact(
                integer < 0 ? (0 as Int64).subtractingReportingOverflow(integer) : (integer, false), number.isInt)
        default: return nil
        }
    }

    /// Rounds half up without the error that adding a half makes.
    private static func round(_ x: Double) -> Double {
        let floor = x.rounded(.down)
        return x - floor >= 0.5 ? floor + 1 : floor
    }

    private static func call(_ method: MethodName, _ a: Value, _ b: Value) throws(TBELError) -> Value? {
        switch method {
        case .pow: return .double(pow(try a.doubleArgument(), try b.doubleArgument()))
        case .atan2: return .double(atan2(try a.doubleArgument(), try b.doubleArgument()))
        case .hypot: return .double(hypot(try a.doubleArgument(), try b.doubleArgument()))
        case .min, .max: return try extreme(a, b, smaller: method == .min)
        case .floorDiv, .floorMod, .addExact, .subtractExact, .multiplyExact: break
        default: return nil
        }
        let (x, y) = (try a.longArgument(), try b.longArgument())
        let small = Number(a)?.isInt ?? true && Number(b)?.isInt ?? true
        switch method {
        case .addExact: return try exact(x.addingReportingOverflow(y), small)
        case .subtractExact: return try exact(x.subtractingReportingOverflow(y), small)
        case .multiplyExact: return try exact(x.multipliedReportingOverflow(by: y), small)
        default: break
        }
        if y == 0 { throw .runtime("/ by zero") }
        if y == -1 {
            if method == .floorMod { return small ? .int(0) : .long(0) }
            return try exact((0 as Int64).subtractingReportingOverflow(x), small)
        }
        let remainder = x % y
        let isBelow = remainder != 0 && (remainder < 0) != (y < 0)
        let result = method == .floorMod ? (isBelow ? remainder + y : remainder) : x / y - (isBelow ? 1 : 0)
        return small ? .int(Int32(truncatingIfNeeded: result)) : .long(result)
    }

    private static func exact(_ result: (partialValue: Int64, overflow: Bool), _ small: Bool) throws(TBELError) -> Value
    {
        if result.overflow { throw overflow }
        guard small else { return .long(result.partialValue) }
        guard let value = Int32(exactly: result.partialValue) else { throw overflow }
        return .int(value)
    }

    private static var overflow: TBELError { .runtime("integer overflow") }

    /// The smaller or the larger of two numbers, of the wider kind of the two.
    static func extreme(_ a: Value, _ b: Value, smaller: Bool) throws(TBELError) -> Value {
        let left = try number(a)
        let right = try number(b)
        if let x = left.integer, let y = right.integer {
            let result = (x < y) == smaller ? x : y
            return left.isInt && right.isInt ? .int(Int32(truncatingIfNeeded: result)) : .long(result)
        }
        let (x, y) = (left.double, right.double)
        let result = x.isNaN || y.isNaN ? .nan : (x < y) == smaller ? x : y
        return left.isDouble || right.isDouble ? .double(result) : .float(Float(result))
    }

    private static func number(_ value: Value) throws(TBELError) -> Number {
        if let number = Number(value) { return number }
        if case .text(let text) = value, let number = Number(text: text) { return number }
        return .double(try value.doubleArgument())
    }
}
