/// The shell fragment that manifests made for ThingsBoard mount at `/config` (`cluster.md` 8.4): its plain lines
/// `export NAME=value` count, everything else is left out.
public enum MountedSettings {
    static let folder = "/config/"
    static let maximumBytes = 1 << 20

    public static func laid(over environment: [String: String], file: String) -> [String: String] {
        guard let text = TextContents.read(folder + file, maximum: maximumBytes) else { return environment }
        return environment.merging(exports(in: text)) { _, mounted in mounted }
    }

    /// Values with a shell's variables or commands in them are left out, as are the options of a Java machine.
    static func exports(in text: String) -> [String: String] {
        var found: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.drop { $0 == " " || $0 == "\t" }
            guard words.hasPrefix("export "), let equals = words.firstIndex(of: "=") else { continue }
            let name = words[words.index(words.startIndex, offsetBy: 7)..<equals]
            var value = words[words.index(after: equals)...]
            while value.last == " " || value.last == "\t" { value.removeLast() }
            if value.count >= 2, let quote = value.first, quote == "\"" || quote == "'", value.last == quote {
                value = value.dropFirst().dropLast()
            }
            guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }), name != "JAVA_OPTS",
                !value.contains("$"), !value.contains("`")
            else { continue }
            found[String(name)] = String(value)
        }
        return found
    }
}
