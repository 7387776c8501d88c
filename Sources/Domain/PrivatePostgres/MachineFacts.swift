#if canImport(Glibc)
internal import Glibc
#endif

/// What of the machine the server's settings depend on.
struct MachineFacts: Sendable {
    /// Memory this process may use: the machine's or the control group's, whichever is less.
    var memoryBytes: Int
    var processors: Int
    /// Free space for the data folder.
    var freeDiskBytes: Int

    init(memoryBytes: Int, processors: Int, freeDiskBytes: Int) {
        self.memoryBytes = memoryBytes
        self.processors = processors
        self.freeDiskBytes = freeDiskBytes
    }

    /// Reads them from the system; `folder` must exist.
    init(folder: String) {
        var memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        if let text = FileSystem.read("/sys/fs/cgroup/memory.max"), let limit = Int(text.prefix { $0.isNumber }) {
            memory = min(memory, limit)
        }
        var disk = statvfs()
        let free = statvfs(folder, &disk) == 0 ? Int(disk.f_bavail) * Int(disk.f_frsize) : 1 << 30
        self.init(memoryBytes: memory, processors: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), freeDiskBytes: free)
    }
}
