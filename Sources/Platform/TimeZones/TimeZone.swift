internal import Glibc
internal import Synchronization

/// A time zone by name: one of the system's (`/usr/share/zoneinfo`), or an offset such as `UTC`, `Z`, `+02:00`, `GMT-5`.
///
/// Safe from any thread. A zone is read once and kept; its first use reads a small file.
public struct TimeZone: Sendable {
    private enum Rules {
        case fixed(Int)
        case file(TimeZoneFile)
    }

    private let rules: Rules

    private static let directory = "/usr/share/zoneinfo/"
    private static let maximumFileSize = 65_536
    private static let known = Mutex<[String: TimeZone]>([:])

    /// - Parameter name: Empty for UTC.
    /// - Throws: For a name that is no zone, also where the system has no time zones.
    public init(_ name: String) throws(TimeZoneError) {
        if let known = Self.known.withLock({ $0[name] }) {
            self = known
            return
        }
        if let offset = Self.fixedOffset(name) {
            rules = .fixed(offset)
            return
        }
        guard Self.isPlain(name), let bytes = Self.read(Self.directory + name), let file = TimeZoneFile(bytes) else {
            throw TimeZoneError(name: name)
        }
        let zone = TimeZone(.file(file))
        // There are only so many files.
        Self.known.withLock { $0[name] = zone }
        self = zone
    }

    private init(_ rules: Rules) { self.rules = rules }

    init(_ file: TimeZoneFile) { rules = .file(file) }

    /// A moment as clocks of a zone show it.
    public struct Local: Equatable, Sendable {
        /// From 1, which is Monday, to 7.
        public var weekday: Int
        /// Since the day began: not what clocks show on days of a change.
        public var millisecondsOfDay: Int64
    }

    /// - Parameter time: Milliseconds since 1970.
    public func local(_ time: Int64) -> Local {
        let second = time.floorDivided(by: 1_000)
        let day = (second + Int64(offset(at: second))).floorDivided(by: 86_400)
        return Local(weekday: CivilDate.weekday(of: day), millisecondsOfDay: time - start(of: day) * 1_000)
    }

    /// Seconds east of UTC.
    ///
    /// - Parameter second: Since 1970.
    public func offset(at second: Int64) -> Int {
        switch rules {
        case .fixed(let offset): offset
        case .file(let file): file.offset(at: second)
        }
    }

    /// When a local day begins, seconds since 1970: the first of two midnights, the moment of the change where there is none.
    private func start(of day: Int64) -> Int64 {
        let midnight = day * 86_400
        // No zone is further from UTC than 14 hours.
        let before = Int64(offset(at: midnight - 50_401))
        let behind = Int64(offset(at: midnight + 50_400))
        let candidates = [midnight - before, midnight - behind].filter { $0 + Int64(offset(at: $0)) == midnight }
        if let first = candidates.min() { return first }
        var (low, high) = (min(midnight - before, midnight - behind), max(midnight - before, midnight - behind))
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if middle + Int64(offset(at: middle)) > midnight { high = middle } else { low = middle }
        }
        return high
    }

    // MARK: - Names

    /// The offset that a name states: `Z`, `+h`, `+hh:mm[:ss]`, `UTC`, `GMT` or `UT` with or without one.
    private static func fixedOffset(_ name: String) -> Int? {
        var rest = name[...]
        var hasPrefix = name.isEmpty
        for prefix in ["UTC", "GMT", "UT"] where rest.hasPrefix(prefix) {
            rest = rest.dropFirst(prefix.count)
            hasPrefix = true
            break
        }
        if rest.isEmpty || rest == "Z" { return hasPrefix || rest == "Z" ? 0 : nil }
        guard let sign = rest.first, sign == "+" || sign == "-" else { return nil }
        let text = rest.dropFirst()
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 1, text.utf8.count == 4 || text.utf8.count == 6 {
            parts = stride(from: 0, to: text.utf8.count, by: 2).map { String(text.dropFirst($0).prefix(2)) }
        }
        guard parts.count <= 3 else { return nil }
        var seconds = 0
        for (index, part) in parts.enumerated() {
            guard (index == 0 ? 1...2 : 2...2).contains(part.utf8.count),
                part.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }),
                let number = Int(part), number < (index == 0 ? 19 : 60)
            else { return nil }
            seconds += number * [3_600, 60, 1][index]
        }
        guard seconds <= 18 * 3_600 else { return nil }
        return sign == "-" ? -seconds : seconds
    }

    /// Whether a name stays below the directory of zones, and is the one name of its file: each is kept.
    private static func isPlain(_ name: String) -> Bool {
        if name.split(separator: "/", omittingEmptySubsequences: false).contains(where: \.isEmpty) { return false }
        guard name.utf8.count <= 64, let first = name.utf8.first, (first | 0x20) >= 97, (first | 0x20) <= 122 else {
            return false
        }
        return name.utf8.allSatisfy { character in
            switch character {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "+"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let bytes = [UInt8](unsafeUninitializedCapacity: maximumFileSize) { buffer, count in
            while count < buffer.count {
                let received = Glibc.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
                guard received > 0 else { break }
                count += received
            }
        }
        return bytes.isEmpty ? nil : bytes
    }
}
