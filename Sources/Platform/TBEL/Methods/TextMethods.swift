/// Java's methods of texts (`rule-engine.md` 6.4).
enum TextMethods {
    static func call(
        _ text: String, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        // All of them look at the whole text at most a few times.
        try machine.steps(text.utf8.count / 64)
        switch arguments.count {
        case 0: return try call(text, method, machine)
        case 1: return try call(text, method, arguments[0], machine)
        default: return try callMany(text, method, arguments, machine)
        }
    }

    private static func call(_ text: String, _ method: MethodName, _ machine: Machine) throws(TBELError) -> Value? {
        switch method {
        case .length, .size: return Value(JavaText.length(text))
        case .isEmpty: return .bool(text.isEmpty)
        case .isBlank: return .bool(JavaText.isBlank(text))
        case .toUpperCase: return .text(text.uppercased())
        case .toLowerCase: return .text(text.lowercased())
        case .trim: return .text(JavaText.trim(text))
        case .strip: return .text(JavaText.trim(text))
        case .stripLeading: return .text(JavaText.trim(text, end: false))
        case .stripTrailing: return .text(JavaText.trim(text, start: false))
        case .toString, .intern: return .text(text)
        case .hashCode: return .int(JavaText.hash(text))
        case .getBytes:
            try machine.reserve(text.utf8.count, of: 16)
            return .list(
                try ListObject(text.utf8.map { .int(Int32(Int8(bitPattern: $0))) }, of: .byte, machine))
        case .toCharArray:
            try machine.reserve(text.utf8.count, of: 16)
            return .list(
                try ListObject(
                    text.utf16.map { .text(String(decoding: CollectionOfOne($0), as: UTF16.self)) }, of: .char, machine)
            )
        case .formatted: return .text(try JavaFormat.format(text, [], machine))
        default: return nil
        }
    }

    private static func call(
        _ text: String, _ method: MethodName, _ argument: Value, _ machine: Machine
    ) throws(TBELError) -> Value? {
        switch method {
        case .charAt: return .text(try JavaText.character(text, at: argument.intArgument()))
        case .codePointAt:
            let index = try argument.intArgument()
            _ = try JavaText.character(text, at: index)
            let units = Array(text.utf16)[index...]
            return .int(Int32(String(decoding: units.prefix(2), as: UTF16.self).unicodeScalars.first!.value))
        case .substring:
            return .text(try JavaText.checkedSubstring(text, argument.intArgument(), JavaText.length(text)))
        case .indexOf: return Value(JavaText.indexOf(text, try part(argument, machine)))
        case .lastIndexOf:
            try machine.steps(text.utf8.count)
            return Value(JavaText.lastIndexOf(text, try part(argument, machine)))
        case .contains: return .bool(JavaText.indexOf(text, try argument.textArgument(machine)) >= 0)
        case .startsWith: return .bool(JavaText.hasPrefix(text, try argument.textArgument(machine)))
        case .endsWith: return .bool(JavaText.hasSuffix(text, try argument.textArgument(machine)))
        case .equals:
            guard case .text(let other) = argument else { return .bool(false) }
            return .bool(sameText(text, other))
        case .contentEquals: return .bool(sameText(text, try argument.textArgument(machine)))
        case .equalsIgnoreCase:
            guard case .text(let other) = argument else { return .bool(false) }
            return .bool(sameText(text.lowercased(), other.lowercased()))
        case .compareTo: return Value(JavaText.compare(text, try argument.textArgument(machine)))
        case .compareToIgnoreCase:
            return Value(JavaText.compare(text.lowercased(), try argument.textArgument(machine).lowercased()))
        case .concat:
            return .text(try Arithmetic.concatenate(.text(text), .text(argument.textArgument(machine)), machine))
        case .repeat:
            let count = try argument.intArgument()
            guard count >= 0 else { throw .runtime("count is negative: \(count)") }
            let (bytes, overflow) = text.utf8.count.multipliedReportingOverflow(by: count)
            try machine.makeText(of: overflow ? .max : bytes)
            return .text(String(repeating: text, count: count))
        case .matches: return .bool(try Pattern.cached(argument.textArgument(machine)).matches(text, machine))
        case .split: return .list(try split(text, argument.textArgument(machine), limit: 0, machine))
        case .getBytes:
            let bytes = try Charset.bytes(of: text, argument.textArgument(machine))
            return .list(try ListObject(bytes.map { .int(Int32(Int8(bitPattern: $0))) }, of: .byte, machine))
        case .formatted: return .text(try JavaFormat.format(text, [argument], machine))
        default: return nil
        }
    }

    private static func callMany(
        _ text: String, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        if method == .formatted { return .text(try JavaFormat.format(text, arguments, machine)) }
        switch (method, arguments.count) {
        case (.substring, 2), (.subSequence, 2):
            return .text(try JavaText.checkedSubstring(text, arguments[0].intArgument(), arguments[1].intArgument()))
        case (.indexOf, 2):
            return Value(JavaText.indexOf(text, try part(arguments[0], machine), from: try arguments[1].intArgument()))
        case (.lastIndexOf, 2):
            try machine.steps(text.utf8.count)
            return Value(
                JavaText.lastIndexOf(text, try part(arguments[0], machine), from: try arguments[1].intArgument()))
        case (.startsWith, 2):
            let offset = try arguments[1].intArgument()
            guard offset >= 0, offset <= JavaText.length(text) else { return .bool(false) }
            let rest = JavaText.substring(text, offset, JavaText.length(text))
            return .bool(JavaText.hasPrefix(rest, try arguments[0].textArgument(machine)))
        case (.replace, 2):
            let part = try arguments[0].textArgument(machine)
            let new = try arguments[1].textArgument(machine)
            let result = try JavaText.replace(text, part, with: new, machine)
            try machine.makeText(of: result.utf8.count)
            return .text(result)
        case (.replaceAll, 2), (.replaceFirst, 2):
            let pattern = try Pattern.cached(arguments[0].textArgument(machine))
            let new = try arguments[1].textArgument(machine)
            return .text(try pattern.replace(text, with: new, all: method == .replaceAll, machine))
        case (.split, 2):
            return .list(
                try split(text, arguments[0].textArgument(machine), limit: arguments[1].intArgument(), machine))
        case (.regionMatches, 4): return .bool(try regionMatches(text, arguments[...], ignoresCase: false, machine))
        case (.regionMatches, 5):
            return .bool(
                try regionMatches(text, arguments[1...], ignoresCase: arguments[0].boolArgument(), machine))
        default: return nil
        }
    }

    /// What is searched for: a text, or a character by its number.
    private static func part(_ value: Value, _ machine: Machine) throws(TBELError) -> String {
        guard case .int(let code) = value else { return try value.textArgument(machine) }
        return Unicode.Scalar(UInt32(truncatingIfNeeded: code)).map { String(Character($0)) } ?? ""
    }

    /// As Java splits: empty texts at the end are left out unless a limit is given.
    private static func split(
        _ text: String, _ pattern: String, limit: Int, _ machine: Machine
    ) throws(TBELError) -> ListObject {
        var parts = try Pattern.cached(pattern).split(text, limit: limit, machine)
        if limit == 0, parts.count > 1 {
            while parts.count > 1, parts.last!.isEmpty { parts.removeLast() }
            if parts.count == 1, parts[0].isEmpty, !text.isEmpty { parts = [] }
        }
        return try ListObject(parts.map { .text($0) }, machine)
    }

    private static func regionMatches(
        _ text: String, _ arguments: ArraySlice<Value>, ignoresCase: Bool, _ machine: Machine
    ) throws(TBELError) -> Bool {
        let arguments = Array(arguments)
        let (start, length) = (try arguments[0].intArgument(), try arguments[3].intArgument())
        let other = try arguments[1].textArgument(machine)
        let otherStart = try arguments[2].intArgument()
        guard start >= 0, otherStart >= 0, length >= 0, start + length <= JavaText.length(text),
            otherStart + length <= JavaText.length(other)
        else { return length < 0 }
        let left = JavaText.substring(text, start, start + length)
        let right = JavaText.substring(other, otherStart, otherStart + length)
        return ignoresCase ? sameText(left.lowercased(), right.lowercased()) : sameText(left, right)
    }
}
