/// `String.format` as Java has it, for `%d %s %f %e %g %x %o %c %b %n %%`.
enum JavaFormat {
    private struct Specification {
        var index: Int?
        var flags: Set<Character> = []
        var width = 0
        var precision: Int?
        var conversion: Character = "s"
    }

    private static let widest = 10_000

    static func format(_ pattern: String, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> String {
        var result = ""
        var next = 0
        var rest = Substring(pattern)
        while let percent = rest.firstIndex(of: "%") {
            try machine.step()
            result += rest[..<percent]
            rest = rest[rest.index(after: percent)...]
            let specification = try specification(&rest)
            switch specification.conversion {
            case "%": result += pad("%", specification)
            case "n": result += "\n"
            default:
                var place = next
                if let index = specification.index { place = index - 1 } else { next += 1 }
                guard place >= 0, place < arguments.count else {
                    throw .runtime("Format specifier '%\(specification.conversion)'")
                }
                result += try format(arguments[place], specification, machine)
            }
            try machine.checkText(of: result.utf8.count)
        }
        result += rest
        try machine.makeText(of: result.utf8.count)
        return result
    }

    private static func specification(_ rest: inout Substring) throws(TBELError) -> Specification {
        var specification = Specification()
        func number() throws(TBELError) -> Int? {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty else { return nil }
            guard let number = Int(digits), number <= widest else {
                throw .runtime("Format width too large: \(digits.prefix(20))")
            }
            rest.removeFirst(digits.count)
            return number
        }
        let start = rest
        if let number = try number() {
            if rest.first == "$" {
                rest.removeFirst()
                specification.index = number
            } else {
                rest = start
            }
        }
        while let flag = rest.first, "-#+ 0,(".contains(flag) {
            specification.flags.insert(flag)
            rest.removeFirst()
        }
        specification.width = try number() ?? 0
        if rest.first == "." {
            rest.removeFirst()
            guard let precision = try number() else { throw .runtime("Conversion = '.'") }
            specification.precision = precision
        }
        guard let conversion = rest.popFirst() else { throw .runtime("Conversion = '%'") }
        specification.conversion = conversion
        return specification
    }

    private static func format(
        _ value: Value, _ specification: Specification, _ machine: Machine
    ) throws(TBELError) -> String {
        let conversion = specification.conversion
        switch conversion {
        case "s", "S":
            var text = try value.javaText(machine)
            if let precision = specification.precision {
                text = JavaText.substring(text, 0, min(precision, JavaText.length(text)))
            }
            return pad(conversion == "S" ? text.uppercased() : text, specification)
        case "b", "B":
            let flag: Bool
            if case .bool(let value) = value { flag = value } else { flag = !value.isNull }
            return pad(conversion == "B" ? (flag ? "TRUE" : "FALSE") : (flag ? "true" : "false"), specification)
        case "c", "C":
            if value.isNull { return pad("null", specification) }
            let text: String
            if case .int(let code) = value, let scalar = Unicode.Scalar(UInt32(bitPattern: code)) {
                text = String(Character(scalar))
            } else if case .text(let character) = value, JavaText.length(character) == 1 {
                text = character
            } else {
                throw .runtime("\(conversion) != java.lang.\(value.typeName)")
            }
            return pad(conversion == "C" ? text.uppercased() : text, specification)
        case "d", "x", "X", "o":
            if value.isNull { return pad("null", specification) }
            guard let integer = Number(value)?.integer else {
                throw .runtime("\(conversion) != java.lang.\(value.typeName)")
            }
            return whole(integer, isInt: Number(value)!.isInt, specification)
        case "f", "e", "E", "g", "G":
            if value.isNull { return pad("null", specification) }
            guard let number = Number(value), number.integer == nil else {
                throw .runtime("\(conversion) != java.lang.\(value.typeName)")
            }
            return real(number.isFloat ? Double(Float(number.double).description) ?? 0 : number.double, specification)
        default: throw .runtime("UnknownFormatConversionException: Conversion = '\(conversion)'")
        }
    }

    private static func whole(_ value: Int64, isInt: Bool, _ specification: Specification) -> String {
        let bits = isInt ? UInt64(UInt32(truncatingIfNeeded: value)) : UInt64(bitPattern: value)
        switch specification.conversion {
        case "x":
            return sign(
                String(bits, radix: 16), false, prefix: specification.flags.contains("#") ? "0x" : "", specification)
        case "X":
            return sign(
                String(bits, radix: 16, uppercase: true), false, prefix: specification.flags.contains("#") ? "0X" : "",
                specification)
        case "o":
            return sign(
                String(bits, radix: 8), false, prefix: specification.flags.contains("#") ? "0" : "", specification)
        default: return signed(String(value.magnitude), value < 0, specification)
        }
    }

    private static func real(_ value: Double, _ specification: Specification) -> String {
        guard value.isFinite else {
            return pad(
                value.isNaN
                    ? "NaN" : value < 0 ? "-Infinity" : specification.flags.contains("+") ? "+Infinity" : "Infinity",
                specification)
        }
        var decimal = Decimal(value)
        let isNegative = decimal.isNegative
        var precision = specification.precision ?? 6
        switch specification.conversion {
        case "f":
            decimal.round(to: precision)
            return signed(decimal.plain(places: precision), isNegative, specification)
        case "e", "E": return signed(scientific(decimal, precision, specification), isNegative, specification)
        default:
            if precision == 0 { precision = 1 }
            decimal.round(significant: precision)
            // From 10^-4 to 10^precision all digits are written.
            if decimal.digits.isEmpty || decimal.exponent > -4 && decimal.exponent <= precision {
                let places = max(0, decimal.digits.isEmpty ? precision - 1 : precision - decimal.exponent)
                return signed(decimal.plain(places: places), isNegative, specification)
            }
            return signed(scientific(decimal, precision - 1, specification), isNegative, specification)
        }
    }

    private static func scientific(_ decimal: Decimal, _ precision: Int, _ specification: Specification) -> String {
        var decimal = decimal
        decimal.round(significant: precision + 1)
        let power = decimal.digits.isEmpty ? 0 : decimal.exponent - 1
        var digits = decimal.digits.map { String($0) }
        while digits.count < precision + 1 { digits.append("0") }
        let fraction = precision > 0 ? "." + digits[1...precision].joined() : ""
        let isUpper = specification.conversion == "E" || specification.conversion == "G"
        let exponent = String(power.magnitude)
        let sign = power < 0 ? "-" : "+"
        return "\(digits[0])\(fraction)\(isUpper ? "E" : "e")\(sign)\(exponent.utf8.count < 2 ? "0" : "")\(exponent)"
    }

    private static func signed(_ digits: String, _ isNegative: Bool, _ specification: Specification) -> String {
        var digits = digits
        if specification.flags.contains(",") { digits = grouped(digits) }
        return sign(digits, isNegative, prefix: "", specification)
    }

    private static func sign(
        _ digits: String, _ isNegative: Bool, prefix: String, _ specification: Specification
    ) -> String {
        let flags = specification.flags
        var before =
            isNegative ? (flags.contains("(") ? "(" : "-") : flags.contains("+") ? "+" : flags.contains(" ") ? " " : ""
        before += prefix
        let after = isNegative && flags.contains("(") ? ")" : ""
        var digits = digits
        if flags.contains("0") {
            let missing = specification.width - before.count - digits.count - after.count
            if missing > 0 { digits = String(repeating: "0", count: missing) + digits }
        }
        return pad(before + digits + after, specification)
    }

    private static func grouped(_ digits: String) -> String {
        let parts = digits.split(separator: ".", maxSplits: 1)
        var result = ""
        for (index, digit) in parts[0].enumerated() {
            if index > 0, (parts[0].count - index) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return parts.count > 1 ? "\(result).\(parts[1])" : result
    }

    private static func pad(_ text: String, _ specification: Specification) -> String {
        let missing = specification.width - JavaText.length(text)
        guard missing > 0 else { return text }
        let spaces = String(repeating: " ", count: missing)
        return specification.flags.contains("-") ? text + spaces : spaces + text
    }
}
