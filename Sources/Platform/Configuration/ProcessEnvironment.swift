import Glibc

/// The environment of this process.
public enum ProcessEnvironment {
    /// All variables. Read once at start, before other threads exist: the C library's table has no lock.
    public static func read() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let text = String(cString: pointer)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            entry += 1
        }
        return variables
    }
}
