extension Value {
    /// What Java's `toString` gives: `{a=1, b=[x, null]}`.
    func javaText(_ machine: Machine) throws(TBELError) -> String {
        switch self {
        case .text(let text): return text
        case .null, .undefined: return "null"
        case .bool(let flag): return flag ? "true" : "false"
        case .int(let number): return String(number)
        case .long(let number): return String(number)
        case .float(let number): return JavaNumber.text(number)
        case .double(let number): return JavaNumber.text(number)
        case .date(let date): return DateText.full(date.time)
        case .type(let type): return type.rawValue
        case .random: return "Random"
        case .empty: return ""
        case .list, .map, .set, .entry:
            var text = ""
            try write(to: &text, machine, depth: 0)
            try machine.makeText(of: text.utf8.count)
            return text
        }
    }

    private func write(to text: inout String, _ machine: Machine, depth: Int) throws(TBELError) {
        guard depth < TBELLimits.depth else { throw .runtime("Too many lists and maps inside each other") }
        try machine.step()
        try machine.checkText(of: text.utf8.count)
        switch self {
        case .list(let list): try Value.write(list.values, to: &text, machine, depth)
        case .set(let set): try Value.write(set.values, to: &text, machine, depth)
        case .map(let map):
            text += "{"
            for place in 0..<map.count {
                if place > 0 { text += ", " }
                try map.key(at: place).write(to: &text, machine, depth: depth + 1)
                text += "="
                try map.value(at: place).write(to: &text, machine, depth: depth + 1)
            }
            text += "}"
        case .entry(let entry):
            try entry.key.write(to: &text, machine, depth: depth + 1)
            text += "="
            try entry.value.write(to: &text, machine, depth: depth + 1)
        default:
            text += try self.javaText(machine)
        }
    }

    private static func write(
        _ values: [Value], to text: inout String, _ machine: Machine, _ depth: Int
    ) throws(TBELError) {
        text += "["
        for (index, value) in values.enumerated() {
            if index > 0 { text += ", " }
            try value.write(to: &text, machine, depth: depth + 1)
        }
        text += "]"
    }
}
