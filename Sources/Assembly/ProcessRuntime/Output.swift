import Glibc

/// Lines for the person at the terminal.
public enum Output {
    public static func line(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }

    public static func error(_ text: String) {
        write("\(program): \(text)\n", to: STDERR_FILENO)
    }

    /// The last part of the name that this process was called by.
    private static var program: Substring {
        CommandLine.arguments.first?.split(separator: "/").last ?? "needletail"
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}
