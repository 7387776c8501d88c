internal import Glibc

/// The number of files and sockets that the process may have open.
public enum DescriptorLimit {
    /// Raises the limit to what the system allows; returns what holds then. A connection is one descriptor, and the usual
    /// limit of 1024 is far below what a transport is for.
    @discardableResult
    public static func raise() -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        return Int(clamping: limit.rlim_cur)
    }
}
