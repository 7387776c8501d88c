extension ArgumentParser {
    static let helpColumns = 100

    /// Help for the program: its subcommands.
    public func help() -> String {
        var text = "\(summary)\n\nUsage: \(program) COMMAND [OPTIONS]\n\nCommands:\n"
        text += Self.table(commands.map { ($0.name, $0.summary) })
        text += "\n\(program) COMMAND --help explains a command.\n"
        return text
    }

    /// Help for one subcommand: its options with defaults and environment names.
    public func help(for command: Command) -> String {
        var text = "\(command.summary)\n\nUsage: \(isSingle ? program : "\(program) \(command.name)")"
        if !command.options.isEmpty { text += " [OPTIONS]" }
        if let operands = command.operands { text += " [-- \(operands)]" }
        text += "\n"
        for paragraph in command.discussion.split(separator: "\n\n") {
            text += "\n" + Self.wrap(String(paragraph), columns: Self.helpColumns).joined(separator: "\n") + "\n"
        }
        text += "\nOptions:\n"
        var rows = command.options.map { ($0.usage, Self.explanation(of: $0)) }
        rows.append(("--help", "Print this help."))
        text += Self.table(rows)
        return text
    }

    private static func explanation(of option: CommandOption) -> String {
        var notes: [String] = []
        if let value = option.defaultValue { notes.append("default: \(value)") }
        if let name = option.environmentName { notes.append("environment: \(name)") }
        return notes.isEmpty ? option.help : "\(option.help) [\(notes.joined(separator: "; "))]"
    }

    /// Two columns; a left side that is too long gets a line of its own.
    private static func table(_ rows: [(left: String, right: String)]) -> String {
        let width = min(28, rows.map(\.left.count).max() ?? 0)
        let indent = String(repeating: " ", count: width + 4)
        var text = ""
        for row in rows {
            let lines = wrap(row.right, columns: helpColumns - width - 4)
            let padding = String(repeating: " ", count: max(0, width - row.left.count) + 2)
            text += "  \(row.left)"
            text += row.left.count > width ? "\n\(indent)" : padding
            text += lines.joined(separator: "\n\(indent)") + "\n"
        }
        return text
    }

    private static func wrap(_ text: String, columns: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(whereSeparator: \.isWhitespace) {
            if !line.isEmpty, line.count + 1 + word.count > columns {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? "" : " "
            line += word
        }
        return lines + [line]
    }

    /// `; did you mean --data?`, or nothing when no candidate is near.
    func hint(_ name: String, among candidates: [String], prefix: String) -> String {
        let ranked = candidates.map { (candidate: $0, distance: Self.distance(name, $0)) }
        guard let nearest = ranked.min(by: { $0.distance < $1.distance }) else { return "" }
        guard nearest.distance <= max(2, name.count / 3) else { return "" }
        return "; did you mean \(prefix)\(nearest.candidate)?"
    }

    /// How many insertions, removals and replacements of a character turn one word into the other.
    static func distance(_ a: String, _ b: String) -> Int {
        let b = Array(b)
        var row = Array(0...b.count)
        for (i, characterOfA) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, characterOfB) in b.enumerated() {
                let replaced = diagonal + (characterOfA == characterOfB ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
}
