import Glibc
import Reactor
import TestSupport
import Testing

@Suite struct ShortageTests {
    /// In a process of its own: the limit is one of the process.
    @Test func acceptingPausesWithoutSpinningWhenDescriptorsGetScarce() async {
        await #expect(processExitsWith: .success) {
            try await withLoop { loop in
                // Descriptors that the parent process left open are here too.
                let limit = highestDescriptor() + 300
                setDescriptorLimit(limit)
                var options = ListenerOptions()
                options.reservedDescriptors = 64
                let server = try ScriptedServer(on: loop, options: options, ScriptedHandler.echo)
                // Both ends are in this process: the clients use up the limit together with the accepted connections.
                var clients: [RawSocket] = []
                while loop.statistics.acceptFailures == 0 {
                    clients.append(try RawSocket(port: server.port))
                    try await eventually {
                        loop.statistics.acceptFailures > 0 || server.handlers.count == clients.count
                    }
                }
                let served = server.handlers.count
                let waiting = try RawSocket(port: server.port)
                try await Task.sleep(for: .milliseconds(250))
                precondition(server.handlers.count == served, "accepted in spite of the shortage")
                precondition(loop.statistics.ticks < 4 * served + 100, "the loop spins")
                precondition(waiting.descriptor < limit - 60, "nothing was reserved")
                for client in clients { client.close() }
                try await eventually { server.handlers.count == served + 1 }
                waiting.close()
            }
        }
    }
}

/// The highest number among the open descriptors.
private func highestDescriptor() -> Int {
    (0..<65_536).last { fcntl(Int32($0), F_GETFD) != -1 } ?? 0
}

private func setDescriptorLimit(_ count: Int) {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = rlim_t(count)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
