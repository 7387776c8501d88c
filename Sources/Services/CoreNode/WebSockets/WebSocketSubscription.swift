internal import Model
internal import Reactor
internal import Storage
internal import WebSocket

/// What a client was promised by a command: answers until it is ended. Belongs to its session, on the session's loop.
class WebSocketSubscription {
    let id: Int32
    unowned let session: WebSocketSession
    private var watched: Set<UUID128> = []
    /// Changes that came while the stored state is read; `nil` while nothing is.
    private var held: [CommittedChange]? = []
    private var nextRefresh: MonotonicTime?
    /// When to look for what other processes committed before they knew that it is watched.
    private var comparisons: [MonotonicTime] = []
    private var comparesNow = false
    private var isRunning = false
    private var runsAgain = false
    private(set) var isEnded = false
    /// Whether it takes one of the slots of `maxWsSubscriptions…` of the tenant's profile.
    var countsForLimits: Bool { false }

    /// A session may hold so many changes while one of its subscriptions reads.
    private static let maximumHeld = 100_000

    init(id: Int32, session: WebSocketSession) {
        self.id = id
        self.session = session
    }

    var service: WebSocketService { session.service }
    var services: Services { session.service.services }

    // MARK: - Changes

    /// Hears of these entities, and of no others, from now on. What is committed meanwhile waits for ``release()``: so nothing
    /// is lost between reading and hearing.
    func watch(_ entities: some Sequence<UUID128>) {
        // The session has ended while something was read.
        guard !isEnded else { return }
        let entities = Set(entities)
        let gone = watched.subtracting(entities)
        let new = entities.subtracting(watched)
        watched = entities
        if held == nil { held = [] }
        if !gone.isEmpty { session.unwatch(gone, for: id) }
        guard !new.isEmpty else { return }
        session.watch(new, for: id)
        guard service.watched.isShared else { return }
        let now = MonotonicTime.now()
        comparisons = [now + .seconds(1), now + .seconds(5)]
    }

    /// Everything was read: what was held counts now.
    func release() {
        let changes = held ?? []
        held = nil
        for change in changes where !isEnded { changed(change) }
    }

    func receive(_ change: CommittedChange) {
        guard held != nil else { return changed(change) }
        guard held!.count < Self.maximumHeld else { return session.close(.restart, "Too many changes at once") }
        held!.append(change)
    }

    /// Something that is watched was committed.
    func changed(_ change: CommittedChange) {}

    func end() {
        isEnded = true
        held = []
        if !watched.isEmpty { session.unwatch(watched, for: id) }
        watched = []
    }

    // MARK: - Refreshing

    /// Looks again, from time to time or because something has changed.
    func refresh(isPeriodic: Bool) async {}

    /// Looks for what is stored and was not heard of.
    func compare() async {}

    /// From now on ``refresh(isPeriodic:)`` is called in each interval.
    func refreshPeriodically() {
        nextRefresh = .now() + service.settings.refreshInterval
    }

    func lookAfter(_ now: MonotonicTime) {
        if let due = comparisons.first, due <= now, held == nil {
            comparisons.removeFirst()
            comparesNow = true
            refreshSoon()
        }
        guard let due = nextRefresh, due <= now else { return }
        nextRefresh = now + service.settings.refreshInterval
        run(isPeriodic: true)
    }

    /// Calls ``refresh(isPeriodic:)`` soon; several wishes are one.
    func refreshSoon() { run(isPeriodic: false) }

    private func run(isPeriodic: Bool) {
        guard !isEnded else { return }
        guard !isRunning else {
            runsAgain = true
            return
        }
        isRunning = true
        let running = LoopBound(self, on: session.loop)
        let loop = session.loop
        // The session lives while its subscriptions do something.
        let session = session
        Task.immediate(executorPreference: loop) {
            let subscription = running.withValue { UncheckedReference(value: $0) }.value
            if subscription.comparesNow {
                subscription.comparesNow = false
                await subscription.compare()
            }
            await subscription.refresh(isPeriodic: isPeriodic)
            subscription.isRunning = false
            if subscription.runsAgain {
                subscription.runsAgain = false
                subscription.run(isPeriodic: false)
            }
            _ = session
        }
    }

    func send(_ text: [UInt8]) {
        guard !isEnded else { return }
        session.send(text, for: id)
    }
}

/// Takes a reference from a loop to a task on the same loop.
private struct UncheckedReference<Value>: @unchecked Sendable {
    // @unchecked: the task prefers the loop that the value belongs to, and runs nowhere else.
    let value: Value
}
