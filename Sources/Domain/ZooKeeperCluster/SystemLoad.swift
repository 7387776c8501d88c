import Cluster
import Glibc

/// Reads the machine's load from `/proc`.
struct SystemLoad {
    private var busy = 0
    private var total = 0

    /// The load now; the processor's share is that since the last call.
    mutating func measure() -> SystemInfo {
        var info = SystemInfo()
        info.cpuCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        info.cpuUsage = processorShare()
        (info.memoryUsage, info.totalMemoryBytes) = Self.memory()
        (info.diskUsage, info.totalDiskBytes) = Self.disk()
        return info
    }

    private mutating func processorShare() -> Int {
        let line = Self.lines(of: "/proc/stat").first ?? ""
        let times = line.split(separator: " ").dropFirst().compactMap { Int($0) }
        guard times.count >= 5 else { return 0 }
        let all = times.prefix(8).reduce(0, +)
        let idle = times[3] + times[4]
        defer { (busy, total) = (all - idle, all) }
        guard all > total else { return 0 }
        return 100 * (all - idle - busy) / (all - total)
    }

    private static func memory() -> (share: Int, total: Int) {
        var values: [Substring: Int] = [:]
        for line in lines(of: "/proc/meminfo") {
            let fields = line.split(separator: " ")
            if fields.count >= 2 { values[fields[0]] = Int(fields[1]) }
        }
        guard let total = values["MemTotal:"], total > 0, let available = values["MemAvailable:"] else { return (0, 0) }
        return (100 * (total - available) / total, total * 1024)
    }

    private static func disk() -> (share: Int, total: Int) {
        var status = statvfs()
        guard statvfs("/", &status) == 0, status.f_blocks > 0 else { return (0, 0) }
        let used = status.f_blocks - status.f_bfree
        return (Int(100 * used / status.f_blocks), Int(status.f_blocks) * Int(status.f_frsize))
    }

    private static func lines(of path: String) -> [Substring] {
        guard let file = fopen(path, "re") else { return [] }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: "\n")
    }
}
