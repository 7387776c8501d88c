import Glibc
import Reactor
import TestSupport
import Testing

@Suite struct ShortageTests {
    /// In a process of its own: the limit is one of the process.
    @Test func runningOutOfDescriptorsPausesAcceptingWithoutSpinning() async {
        await #expect(processExitsWith: .success) {
            try await withLoop { loop in
                let server = try ScriptedServer(on: loop, ScriptedHandler.echo)
                // The waiting client gets the last descriptor, and accepting it would need one more.
                let first = try RawSocket(port: server.port)
                _ = try await server.onlyHandler()
                server.listener.pauseAccepting()
                await loop.perform {}
                let waiting = try RawSocket(port: server.port)
                var limit = rlimit()
                getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                let old = limit.rlim_cur
                limit.rlim_cur = rlim_t(waiting.descriptor) + 1
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                server.listener.resumeAccepting()
                // Not `eventually`: a task's first sleep opens descriptors.
                while loop.statistics.acceptFailures < 2 { sched_yield() }
                precondition(loop.statistics.ticks < 100, "the loop spins")
                limit.rlim_cur = old
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                try await eventually { server.handlers.count == 2 }
                waiting.close()
                first.close()
            }
        }
    }
}
