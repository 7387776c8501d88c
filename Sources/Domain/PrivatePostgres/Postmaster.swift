internal import CLinux

#if canImport(Glibc)
internal import Glibc
#endif

/// The server's main process, followed by a descriptor that cannot come to mean another process.
struct Postmaster: Sendable {
    let processID: pid_t
    /// Readable when the process has ended.
    let descriptor: Int32
    /// Started by this process, which therefore has to reap it.
    let isChild: Bool

    init(processID: pid_t, isChild: Bool) throws(PrivatePostgresError) {
        let descriptor = needletail_pidfd_open(processID)
        guard descriptor >= 0 else {
            throw .system(operation: "follow process", path: "\(processID)", code: errno)
        }
        self.processID = processID
        self.descriptor = descriptor
        self.isChild = isChild
    }

    /// Waits for the end, at most that long; whether it came.
    func waitForEnd(_ limit: Duration) -> Bool {
        let deadline = ContinuousClock.now + limit
        while true {
            let rest = max(.zero, deadline - .now)
            var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let milliseconds = rest.components.seconds * 1000 + rest.components.attoseconds / 1_000_000_000_000_000
            let count = poll(&event, 1, Int32(clamping: milliseconds + (rest > .zero ? 1 : 0)))
            if count > 0 { return true }
            if count == 0 || errno != EINTR { return false }
        }
    }

    func signal(_ number: Int32) { kill(processID, number) }

    /// To be called once, after the end: takes the exit status of a child and closes the descriptor.
    @discardableResult
    func reap() -> Int32? {
        defer { close(descriptor) }
        guard isChild else { return nil }
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0 {
            guard errno == EINTR else { return nil }
        }
        return ServerProgram.exitCode(status)
    }
}
