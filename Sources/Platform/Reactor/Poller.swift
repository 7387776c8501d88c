internal import CLinux
internal import Glibc

/// What a descriptor is watched for.
public struct Interest: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let read = Interest(rawValue: 1)
    public static let write = Interest(rawValue: 2)
}

/// What a descriptor is ready for.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let read = Readiness(rawValue: 1)
    public static let write = Readiness(rawValue: 2)
    /// An error or a hang-up: reading and writing tell which.
    public static let error = Readiness(rawValue: 4)
}

/// Something that waits for a descriptor. Subclasses are what a loop watches.
public class Pollable {
    var slot: UInt32 = 0
    var generation: UInt32 = 0
    func ready(_ readiness: Readiness) { preconditionFailure("a pollable without ready") }
}

/// epoll and the table of what is registered. Owned by its loop.
///
/// The user data of a descriptor is its slot and the slot's generation, so that an event for a descriptor that was closed
/// in the same tick is recognised and dropped.
struct Poller: ~Copyable {
    private struct Slot {
        var generation: UInt32 = 1
        var pollable: Pollable?
    }

    static let maximumEvents = 512

    private let descriptor: Int32
    private var slots: [Slot] = []
    private var free: [UInt32] = []
    private let events: UnsafeMutablePointer<epoll_event>

    init() throws(ReactorError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw ReactorError(operation: "epoll_create1", code: errno) }
        events = .allocate(capacity: Self.maximumEvents)
    }

    deinit {
        Glibc.close(descriptor)
        events.deallocate()
    }

    var count: Int { slots.count - free.count }

    /// Registers a descriptor and names the pollable by slot and generation.
    mutating func add(_ pollable: Pollable, descriptor fd: Int32, interest: Interest) throws(ReactorError) {
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
        } else {
            slots.append(Slot())
            slot = UInt32(slots.count - 1)
        }
        slots[Int(slot)].pollable = pollable
        pollable.slot = slot
        pollable.generation = slots[Int(slot)].generation
        guard control(EPOLL_CTL_ADD, pollable, descriptor: fd, interest: interest) == 0 else {
            let code = errno
            remove(pollable)
            throw ReactorError(operation: "epoll_ctl", code: code)
        }
    }

    func update(_ pollable: Pollable, descriptor fd: Int32, interest: Interest) {
        let result = control(EPOLL_CTL_MOD, pollable, descriptor: fd, interest: interest)
        precondition(result == 0, "epoll_ctl of a registered descriptor failed: errno \(errno)")
    }

    /// Forgets a pollable. Closing its descriptor takes it out of epoll; otherwise say so with `descriptor`.
    mutating func remove(_ pollable: Pollable, descriptor fd: Int32? = nil) {
        if let fd { _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, fd, nil) }
        let index = Int(pollable.slot)
        guard index < slots.count, slots[index].pollable === pollable else { return }
        slots[index].pollable = nil
        slots[index].generation &+= 1
        free.append(pollable.slot)
    }

    private func control(_ operation: Int32, _ pollable: Pollable, descriptor fd: Int32, interest: Interest) -> Int32 {
        var event = epoll_event()
        if interest.contains(.read) { event.events |= EPOLLIN.rawValue }
        if interest.contains(.write) { event.events |= EPOLLOUT.rawValue }
        event.data.u64 = UInt64(pollable.generation) << 32 | UInt64(pollable.slot)
        return epoll_ctl(descriptor, operation, fd, &event)
    }

    func pollable(slot: UInt32, generation: UInt32) -> Pollable? {
        guard slot < slots.count, slots[Int(slot)].generation == generation else { return nil }
        return slots[Int(slot)].pollable
    }

    var all: [Pollable] { slots.compactMap(\.pollable) }

    /// Waits for events; a negative timeout waits without end.
    @inline(never)
    func wait(milliseconds: Int32) -> Int {
        let count = epoll_wait(descriptor, events, Int32(Self.maximumEvents), milliseconds)
        guard count < 0 else { return Int(count) }
        precondition(errno == EINTR, "epoll_wait failed: errno \(errno)")
        return 0
    }

    /// The pollable and readiness of event `index` of the last wait; `nil` when it is gone.
    func event(_ index: Int) -> (Pollable, Readiness)? {
        let event = events[index]
        let data = event.data.u64
        guard let pollable = pollable(slot: UInt32(truncatingIfNeeded: data), generation: UInt32(data >> 32)) else {
            return nil
        }
        var readiness: Readiness = []
        if event.events & EPOLLIN.rawValue != 0 { readiness.insert(.read) }
        if event.events & EPOLLOUT.rawValue != 0 { readiness.insert(.write) }
        if event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { readiness.insert(.error) }
        return (pollable, readiness)
    }
}
