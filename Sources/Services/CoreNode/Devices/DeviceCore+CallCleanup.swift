internal import Logging
internal import Reactor
internal import Storage

/// Calls that tenants do not keep any longer (`persistence.md` 9.3). Every node does it: what one has deleted another does
/// not find.
extension DeviceCore {
    private static let cleanupBatch = 10_000

    /// Begins after a random part of the interval, so that nodes do not do it at once.
    func cleanUpCalls() {
        guard settings.rpcCleanupInterval > 0 else { return }
        let first = Duration.milliseconds(Int64.random(in: 0...settings.rpcCleanupInterval))
        let interval = Duration.milliseconds(settings.rpcCleanupInterval)
        let core = CoreReference(core: self)
        loop.schedule(after: first, repeating: interval) { [loop] in
            guard !core.core.isCleaningUp else { return }
            core.core.isCleaningUp = true
            Task.immediate(executorPreference: loop) {
                await core.core.deleteOutdatedCalls()
                core.core.isCleaningUp = false
            }
        }
    }

    private func deleteOutdatedCalls() async {
        do {
            while try await rpcs.deleteOutdated(now: now, limit: Self.cleanupBatch) == Self.cleanupBatch {}
        } catch DatabaseError.closed {
            return
        } catch {
            logger.limited(
                .warning, "old persistent calls could not be deleted; the next time will do it",
                ["error": .string(String(describing: error))])
        }
    }
}
