/// What this executable was made from.
public enum BuildInformation {
    public static let version = "0.1.0"
    /// The commit, where the executable lies in the checkout that it was built in, else `unknown`.
    public static let commit = Self.readCommit()

    private static func readCommit() -> String {
        guard let path = ExecutablePath.current else { return "unknown" }
        var folder = path
        for _ in 0..<6 {
            guard let slash = folder.lastIndex(of: "/") else { break }
            folder = String(folder[..<slash])
            guard let head = TextFile.firstLine(folder + "/.git/HEAD") else { continue }
            guard head.hasPrefix("ref: ") else { return String(head.prefix(12)) }
            let reference = String(head.dropFirst(5))
            return TextFile.firstLine(folder + "/.git/" + reference).map { String($0.prefix(12)) } ?? "unknown"
        }
        return "unknown"
    }
}
