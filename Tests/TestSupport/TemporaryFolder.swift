import Glibc
import Synchronization

/// Makes a new folder below `/tmp`; its owner removes it.
public func makeTemporaryFolder() -> String {
    var template = Array("/tmp/needletail-test-XXXXXX".utf8CString)
    precondition(mkdtemp(&template) != nil, "no temporary folder could be made")
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Removes a folder with everything in it.
public func removeFolder(_ path: String) {
    if let directory = opendir(path) {
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        closedir(directory)
        for name in names where name != "." && name != ".." {
            let child = path + "/" + name
            var status = stat()
            if lstat(child, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                removeFolder(child)
            } else {
                unlink(child)
            }
        }
    }
    rmdir(path)
}

private let exitActions = Mutex<[@Sendable () -> Void]>([])

/// Runs `body` when the test process exits, last registered first.
public func atExit(_ body: @escaping @Sendable () -> Void) {
    let isFirst = exitActions.withLock { actions in
        actions.append(body)
        return actions.count == 1
    }
    guard isFirst else { return }
    atexit {
        let actions = exitActions.withLock { $0 }
        for action in actions.reversed() { action() }
    }
}
