internal import Glibc
internal import Synchronization

/// The user's wish to end the run, by Ctrl-C or SIGTERM.
enum Interruption {
    private static let requests = Atomic(0)

    /// How often it was wished; twice means: do not wait for anything.
    static var count: Int { requests.load(ordering: .relaxed) }
    static var isRequested: Bool { count > 0 }

    static func install() {
        // Reading it makes it: a signal handler must not be the first to.
        guard count == 0 else { return }
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in Interruption.requests.add(1, ordering: .relaxed) }
        }
    }
}

/// What the process asks of the system about itself.
enum Process {
    /// Processor time of this process so far.
    static var processorSeconds: Double {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    static func temporaryPath(_ name: String) -> String {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        return "\(folder)/\(name)-\(getpid())"
    }
}

/// Names of hosts.
enum HostName {
    /// The first numeric address of `host`; `nil` when it has none. Blocks.
    static func resolve(_ host: String) -> String? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &found) == 0, let first = found else { return nil }
        defer { freeaddrinfo(first) }
        // `localhost` may mean ::1 first, where not every server listens.
        var candidates: [UnsafeMutablePointer<addrinfo>] = []
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let entry = next {
            candidates.append(entry)
            next = entry.pointee.ai_next
        }
        let entry = candidates.first { $0.pointee.ai_family == AF_INET } ?? first
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let status = getnameinfo(
            entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard status == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
