#if canImport(Glibc)
internal import Glibc
#endif

/// What a running server writes to `postmaster.pid` in its data folder.
struct PostmasterFile: Equatable {
    var processID: pid_t
    /// `nil` until the server has opened its socket.
    var socketFolder: String?
    /// `starting`, `ready`, `stopping`, `standby`; `nil` at the very start.
    var status: String?

    /// Lines: pid, data folder, start time, port, socket folder, listen address, shared memory key, status.
    init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, let processID = pid_t(first), processID > 0 else { return nil }
        self.processID = processID
        if lines.count > 4, !lines[4].isEmpty { socketFolder = String(lines[4]) }
        if lines.count > 7 { status = lines[7].split(separator: " ").first.map(String.init) }
    }

    init?(path: String) {
        guard let text = FileSystem.read(path) else { return nil }
        self.init(text: text)
    }

    /// Whether that process is a server working in `dataFolder`, rather than one that got the same number later.
    ///
    /// A server's working directory is its data folder, and it stays there.
    func isServer(of dataFolder: String) -> Bool {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/\(processID)/cwd", &buffer, buffer.count)
        guard length > 0 else { return false }
        let folder = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return folder == dataFolder
    }
}
