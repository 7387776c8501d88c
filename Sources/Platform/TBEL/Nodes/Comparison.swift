/// `==`, `<`, `contains` and what counts as empty.
enum Comparison {
    /// Numbers are compared as numbers, also with texts that are numbers and with true and false as 1 and 0.
    static func isEqual(_ a: Value, _ b: Value) -> Bool {
        switch (a, b) {
        case (.empty, _): return isBlank(b)
        case (_, .empty): return isBlank(a)
        case (.text(let a), .text(let b)): return sameText(a, b)
        case (.bool(let a), .bool(let b)): return a == b
        case (.bool(let flag), .text(let text)), (.text(let text), .bool(let flag)):
            return sameText(text, flag ? "true" : "false")
        case (.bool(let flag), _):
            return Number(b).map { $0.double == (flag ? 1 : 0) } ?? false
        case (_, .bool(let flag)):
            return Number(a).map { $0.double == (flag ? 1 : 0) } ?? false
        case (.text(let text), _):
            guard let number = Number(b) else { return false }
            return Number(text: text).map { order($0, number) == 0 } ?? false
        case (_, .text(let text)):
            guard let number = Number(a) else { return false }
            return Number(text: text).map { order(number, $0) == 0 } ?? false
        default:
            if let a = Number(a), let b = Number(b) { return order(a, b) == 0 }
            return sameObject(a, b)
        }
    }

    /// Below, at or above 0 as `a` is less than, equal to or greater than `b`; `nil` where nothing of it is true.
    static func order(_ a: Value, _ b: Value) throws(TBELError) -> Int? {
        switch (a, b) {
        case (.null, _), (_, .null), (.undefined, _), (_, .undefined): return nil
        case (.text(let a), .text(let b)): return JavaText.compare(a, b)
        case (.bool(let a), .bool(let b)): return (a ? 1 : 0) - (b ? 1 : 0)
        case (.date(let a), .date(let b)): return a.time < b.time ? -1 : a.time == b.time ? 0 : 1
        case (.text(let text), _):
            if let left = Number(text: text), let right = Number(b) { return order(left, right) }
        case (_, .text(let text)):
            if let left = Number(a), let right = Number(text: text) { return order(left, right) }
        default:
            if let left = Number(a), let right = Number(b) { return order(left, right) }
        }
        throw .runtime("\(a.typeName) cannot be compared with \(b.typeName)")
    }

    private static func order(_ a: Number, _ b: Number) -> Int? {
        if let left = a.integer, let right = b.integer { return left < right ? -1 : left == right ? 0 : 1 }
        let left = a.double
        let right = b.double
        if left.isNaN || right.isNaN { return nil }
        return left < right ? -1 : left == right ? 0 : 1
    }

    static func contains(_ a: Value, _ b: Value, _ machine: Machine) throws(TBELError) -> Bool {
        switch a {
        case .text(let text):
            try machine.steps(text.utf8.count / 16)
            return JavaText.indexOf(text, try b.javaText(machine)) >= 0
        case .list(let list):
            try machine.steps(list.count / 4)
            return list.values.contains { sameObject($0, b) }
        case .set(let set): return set.contains(b)
        case .map(let map): return map.contains(b)
        default: return false
        }
    }

    /// What equals `empty`: null, blank texts, 0, false, and lists and maps without anything.
    static func isBlank(_ value: Value) -> Bool {
        switch value {
        case .text(let text): JavaText.isBlank(text)
        case .bool(let flag): !flag
        case .int, .long, .float, .double: Number(value)!.double == 0
        default: isEmpty(value)
        }
    }

    /// What `or` passes over: null, empty texts, and lists and maps without anything.
    static func isEmpty(_ value: Value) -> Bool {
        switch value {
        case .null, .undefined, .empty: true
        case .text(let text): text.isEmpty
        case .list(let list): list.count == 0
        case .map(let map): map.count == 0
        case .set(let set): set.count == 0
        default: false
        }
    }
}

/// How alike texts are.
enum Similarity {
    /// The share of places at which both have the same character.
    static func similarity(_ a: String, _ b: String) -> Float {
        let left = a.utf16
        let right = b.utf16
        let length = max(left.count, right.count)
        guard length > 0 else { return .nan }
        return Float(zip(left, right).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }) / Float(length)
    }

    static func soundsLike(_ a: String, _ b: String) -> Bool { soundex(a) == soundex(b) }

    /// Up to four digits for the consonants; vowels have none, a letter after itself none either.
    private static func soundex(_ text: String) -> [UInt8]? {
        // The groups of A to Z.
        let groups = Array("01230120022455012623010202".utf8)
        var code: [UInt8] = []
        var previous: UInt8 = 0
        for byte in text.uppercased().utf8 {
            if code.count == 4 || byte == UInt8(ascii: ",") { break }
            guard byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z"), byte != previous else { continue }
            previous = byte
            let group = groups[Int(byte - UInt8(ascii: "A"))]
            if group != UInt8(ascii: "0") { code.append(group) }
        }
        return code.isEmpty ? nil : code + Array(repeating: UInt8(ascii: "0"), count: 4 - code.count)
    }
}
