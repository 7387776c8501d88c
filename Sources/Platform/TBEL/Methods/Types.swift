/// What classes can do without an object (`rule-engine.md` 6.4).
extension TypeName {
    /// Whether a script may name it before a dot.
    var hasMembers: Bool {
        switch self {
        case .object, .number, .map, .list, .set, .collection, .random: false
        default: true
        }
    }

    /// `Math.PI` and the like.
    func constant(_ name: String) -> Value? {
        switch (self, name) {
        case (.math, "PI"): .double(.pi)
        case (.math, "E"): .double(2.718281828459045)
        case (.integer, "MAX_VALUE"): .int(.max)
        case (.integer, "MIN_VALUE"): .int(.min)
        case (.long, "MAX_VALUE"): .long(.max)
        case (.long, "MIN_VALUE"): .long(.min)
        case (.short, "MAX_VALUE"): .int(32_767)
        case (.short, "MIN_VALUE"): .int(-32_768)
        case (.byte, "MAX_VALUE"): .int(127)
        case (.byte, "MIN_VALUE"): .int(-128)
        case (.double, "MAX_VALUE"): .double(.greatestFiniteMagnitude)
        case (.double, "MIN_VALUE"): .double(.leastNonzeroMagnitude)
        case (.double, "NaN"): .double(.nan)
        case (.double, "POSITIVE_INFINITY"): .double(.infinity)
        case (.double, "NEGATIVE_INFINITY"): .double(-.infinity)
        case (.float, "MAX_VALUE"): .float(.greatestFiniteMagnitude)
        case (.float, "MIN_VALUE"): .float(.leastNonzeroMagnitude)
        case (.float, "NaN"): .float(.nan)
        case (.float, "POSITIVE_INFINITY"): .float(.infinity)
        case (.float, "NEGATIVE_INFINITY"): .float(-.infinity)
        case (.boolean, "TRUE"): .bool(true)
        case (.boolean, "FALSE"): .bool(false)
        default: nil
        }
    }

    func call(_ method: MethodName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value? {
        switch self {
        case .math: try MathClass.call(method, arguments)
        case .integer, .long, .short, .byte: try IntegerClasses.call(self, method, arguments, machine)
        case .double, .float: try RealClasses.call(self, method, arguments, machine)
        case .boolean:
            switch (method, arguments.count) {
            case (.parseBoolean, 1), (.valueOf, 1): try .bool(arguments[0].isNull ? false : arguments[0].boolArgument())
            case (.toString, 1): .text(try arguments[0].javaText(machine))
            default: nil
            }
        case .string: try StringClass.call(method, arguments, machine)
        case .character: try CharacterClass.call(method, arguments, machine)
        case .json: try JSONClass.call(method, arguments, machine)
        case .date: try DateMethods.callStatic(method, arguments, machine)
        case .object, .number, .map, .list, .set, .collection, .random: nil
        }
    }
}

/// `String` as a class.
enum StringClass {
    static func call(_ method: MethodName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value? {
        switch (method, arguments.count) {
        case (.valueOf, 1): return .text(try arguments[0].javaText(machine))
        case (.format, 1...):
            return .text(
                try JavaFormat.format(arguments[0].textArgument(machine), Array(arguments.dropFirst()), machine))
        case (.join, 2...):
            let separator = try arguments[0].textArgument(machine)
            var parts = Array(arguments.dropFirst())
            if parts.count == 1, parts[0].container != nil { parts = try parts[0].collectionArgument() }
            var text = ""
            for (index, part) in parts.enumerated() {
                if index > 0 { text += separator }
                text += try part.javaText(machine)
                try machine.step()
                try machine.checkText(of: text.utf8.count)
            }
            try machine.makeText(of: text.utf8.count)
            return .text(text)
        default: return nil
        }
    }
}

/// `Character` as a class, for texts of one character.
enum CharacterClass {
    static func call(_ method: MethodName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value? {
        guard arguments.count == 1 else { return nil }
        let text = try arguments[0].textArgument(machine)
        guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
            throw .runtime("cannot convert \"\(text.prefix(20))\" to char")
        }
        let properties = scalar.properties
        let isDigit = properties.generalCategory == .decimalNumber
        switch method {
        case .isDigit: return .bool(isDigit)
        case .isLetter: return .bool(isLetter(properties))
        case .isLetterOrDigit: return .bool(isDigit || isLetter(properties))
        case .isWhitespace: return .bool(properties.isWhitespace && scalar.value != 0xA0)
        case .isUpperCase: return .bool(properties.isUppercase)
        case .isLowerCase: return .bool(properties.isLowercase)
        case .toUpperCase: return .text(text.uppercased())
        case .toLowerCase: return .text(text.lowercased())
        case .getNumericValue: return Value(Character(scalar).hexDigitValue ?? Character(scalar).wholeNumberValue ?? -1)
        case .toString, .valueOf: return .text(text)
        default: return nil
        }
    }

    private static func isLetter(_ properties: Unicode.Scalar.Properties) -> Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}

/// `new T(a)`.
enum Constructors {
    /// Whether scripts may make objects of `type`. Java's collections want their package in front.
    static func exist(for type: TypeName, qualified: Bool) -> Bool {
        switch type {
        case .date, .random, .string, .integer, .long, .double, .float, .boolean: true
        case .list, .map, .set: qualified
        default: false
        }
    }

    static func make(_ type: TypeName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value {
        switch (type, arguments.count) {
        case (.date, _): return .date(DateObject(try DateMethods.make(arguments, machine)))
        case (.random, 0): return .random(RandomObject(seed: Int64.random(in: .min ... .max)))
        case (.random, 1): return .random(RandomObject(seed: try arguments[0].longArgument()))
        case (.string, 0): return .text("")
        case (.string, 1):
            if case .list(let list) = arguments[0] {
                return .text(String(decoding: try bytes(of: list), as: UTF8.self))
            }
            return .text(try arguments[0].javaText(machine))
        case (.integer, 1), (.long, 1), (.double, 1), (.float, 1), (.boolean, 1):
            return try type.call(.valueOf, arguments, machine) ?? .null
        case (.list, 0): return .list(try ListObject([], machine))
        case (.list, 1):
            if case .int = arguments[0] { return .list(try ListObject([], machine)) }
            return .list(try ListObject(try arguments[0].collectionArgument(), machine))
        case (.map, 0): return .map(try MapObject(machine))
        case (.map, 1):
            guard case .map(let other) = arguments[0] else { return .map(try MapObject(machine)) }
            return .map(try other.copy())
        case (.set, 0): return .set(try SetObject(machine))
        case (.set, 1): return .set(try MapMethods.set(try arguments[0].collectionArgument(), machine))
        default: throw .runtime("unable to find constructor for \(type.rawValue) with \(arguments.count) arguments")
        }
    }
}
