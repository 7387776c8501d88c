import Glibc

/// What the kernel knows of this process, under Prometheus' usual names: `process_*`.
public enum ProcessMetrics {
    /// Registers the process's memory, CPU time, threads, open files and start time in `registry`. The values are read
    /// from `/proc` whenever the registry is rendered.
    public static func register(in registry: MetricsRegistry) {
        registry.gauge("process_resident_memory_bytes", help: "Resident memory in bytes.") {
            Double(residentMemoryBytes)
        }
        registry.gauge("process_virtual_memory_bytes", help: "Virtual memory in bytes.") {
            Double(statistics(22) ?? 0)
        }
        registry.counter("process_cpu_seconds_total", help: "User and system CPU time in seconds.") { cpuSeconds }
        registry.gauge("process_open_fds", help: "Open file descriptors.") { Double(openDescriptors) }
        registry.gauge("process_max_fds", help: "Limit of open file descriptors.") {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            return Double(limit.rlim_cur)
        }
        registry.gauge("process_threads", help: "Threads.") { Double(statistics(19) ?? 0) }
        let start = startSeconds
        registry.gauge("process_start_time_seconds", help: "Start time in seconds since 1970.") { start }
    }

    public static var residentMemoryBytes: Int {
        let fields = contents(of: "/proc/self/statm").split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// User and system time of all threads.
    public static var cpuSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Open descriptors, without the one that counting takes.
    public static var openDescriptors: Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return count - 3  // `.`, `..` and the directory's own descriptor.
    }

    /// When the process started, from the boot time and the ticks since then.
    static var startSeconds: Double {
        let boot = contents(of: "/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        guard let boot, let bootSeconds = Double(boot.dropFirst(6)), let ticks = statistics(21) else { return 0 }
        return bootSeconds + Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// One field of `/proc/self/stat`, numbered from 0 for the process id as proc(5) numbers them from 1.
    private static func statistics(_ index: Int) -> Int? {
        let text = contents(of: "/proc/self/stat")
        // The name, field 1, is in parentheses and may hold anything: count from behind it.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.indices.contains(index - 2) else { return nil }
        return Int(fields[index - 2])
    }

    /// The first 64 KB of a file of `/proc`; empty when it cannot be read.
    private static func contents(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < 65_536 {
            let chunk = [UInt8](unsafeUninitializedCapacity: 8192) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, 8192))
            }
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
