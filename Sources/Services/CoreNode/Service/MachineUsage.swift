internal import Glibc
internal import Synchronization

/// How busy the machine is that this process runs on.
final class MachineUsage: Sendable {
    struct Reading: Sendable {
        /// Percent since the reading before.
        var cpuUsage: Int64 = 0
        var cpuCount: Int64 = 1
        /// Percent.
        var memoryUsage: Int64 = 0
        /// Bytes.
        var totalMemory: Int64 = 0
        /// Percent.
        var discUsage: Int64 = 0
        /// Bytes.
        var totalDiscSpace: Int64 = 0
    }

    private struct Ticks {
        var busy: Int64 = 0
        var all: Int64 = 0
    }

    private let last = Mutex(Ticks())

    static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func read() -> Reading {
        var reading = Reading()
        reading.cpuCount = Int64(Self.processors)
        let ticks = Self.ticks()
        let before = last.withLock { last in
            defer { last = ticks }
            return last
        }
        let all = ticks.all - before.all
        if all > 0 { reading.cpuUsage = min(100, max(0, (ticks.busy - before.busy) * 100 / all)) }
        let memory = Self.memory()
        reading.totalMemory = memory.total
        if memory.total > 0 { reading.memoryUsage = (memory.total - memory.available) * 100 / memory.total }
        var disc = statvfs()
        if statvfs("/", &disc) == 0, disc.f_blocks > 0 {
            reading.totalDiscSpace = Int64(clamping: disc.f_blocks) * Int64(clamping: disc.f_frsize)
            reading.discUsage = Int64((disc.f_blocks - disc.f_bfree) * 100 / disc.f_blocks)
        }
        return reading
    }

    private static func ticks() -> Ticks {
        let line = text(of: "/proc/stat").prefix { $0 != "\n" }
        let numbers = line.split(separator: " ").dropFirst().compactMap { Int64($0) }
        guard numbers.count >= 5 else { return Ticks() }
        let all = numbers.prefix(8).reduce(0, +)
        return Ticks(busy: all - numbers[3] - numbers[4], all: all)
    }

    private static func memory() -> (total: Int64, available: Int64) {
        var total: Int64 = 0
        var available: Int64 = 0
        for line in text(of: "/proc/meminfo").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 2, let kilobytes = Int64(words[1]) else { continue }
            if words[0] == "MemTotal:" { total = kilobytes * 1024 }
            if words[0] == "MemAvailable:" { available = kilobytes * 1024 }
        }
        return (total, available)
    }

    /// The beginning of a file that the kernel makes.
    private static func text(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
    }
}
