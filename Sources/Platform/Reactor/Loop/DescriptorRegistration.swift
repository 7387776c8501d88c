import CLinux
import Glibc

/// What the owner of a descriptor waits for.
public struct Interest: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let read = Interest(rawValue: 1)
    public static let write = Interest(rawValue: 2)
}

/// What a descriptor is ready for.
public struct Readiness: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let read = Readiness(rawValue: 1)
    public static let write = Readiness(rawValue: 2)
    /// The descriptor has failed, or the other end is gone: reading and writing tell which. Told whatever the interest is.
    public static let error = Readiness(rawValue: 4)
}

/// A descriptor that somebody else owns (a client library's socket, a pipe) watched by a loop, level-triggered.
///
/// Deregister before the descriptor is closed. Used on the loop only. With an empty interest the descriptor is not watched
/// at all, not even for errors.
public final class DescriptorRegistration {
    public let loop: EventLoop
    public let descriptor: Int32
    public private(set) var interest: Interest = []
    private let id: ConnectionID
    private var onReady: ((Readiness) -> Void)?

    init(loop: EventLoop, descriptor: Int32, onReady: @escaping (Readiness) -> Void) {
        self.loop = loop
        self.descriptor = descriptor
        self.onReady = onReady
        id = loop.slots.reserve()
        loop.slots.set(.registration(self), at: id)
    }

    public var isRegistered: Bool { onReady != nil }

    /// Changes what is waited for. Harmless after ``deregister()``.
    public func update(_ wanted: Interest) {
        guard isRegistered, wanted != interest else { return }
        loop.preconditionOwned()
        do throws(ReactorError) {
            try watch(wanted)
        } catch {
            preconditionFailure("descriptor \(descriptor) of a registration: \(error)")
        }
    }

    fileprivate func watch(_ wanted: Interest) throws(ReactorError) {
        guard wanted != interest else { return }
        var events: UInt32 = 0
        if wanted.contains(.read) { events |= NEEDLETAIL_EPOLLIN | NEEDLETAIL_EPOLLRDHUP }
        if wanted.contains(.write) { events |= NEEDLETAIL_EPOLLOUT }
        let code =
            if interest.isEmpty {
                needletail_epoll_add(loop.epoll, descriptor, events, id.eventData)
            } else if wanted.isEmpty {
                needletail_epoll_remove(loop.epoll, descriptor)
            } else {
                needletail_epoll_modify(loop.epoll, descriptor, events, id.eventData)
            }
        guard code == 0 else { throw .last("epoll_ctl") }
        interest = wanted
    }

    /// Ends the watching and lets go of the closure; events already taken from the kernel are dropped.
    public func deregister() {
        guard isRegistered else { return }
        loop.preconditionOwned()
        // Fails when the owner closed the descriptor first, which has ended the watching, too.
        if !interest.isEmpty { _ = needletail_epoll_remove(loop.epoll, descriptor) }
        interest = []
        onReady = nil
        loop.slots.release(id)
    }

    func handle(_ events: UInt32) {
        var ready: Readiness = []
        if events & (NEEDLETAIL_EPOLLIN | NEEDLETAIL_EPOLLRDHUP) != 0 { ready.insert(.read) }
        if events & NEEDLETAIL_EPOLLOUT != 0 { ready.insert(.write) }
        if events & (NEEDLETAIL_EPOLLERR | NEEDLETAIL_EPOLLHUP) != 0 { ready.insert(.error) }
        onReady?(ready)
    }
}

extension EventLoop {
    /// Watches a descriptor, level-triggered: `onReady` is called in every tick in which it is ready for what `interest`
    /// names. On the loop, or before it is started.
    ///
    /// - Throws: when the system cannot watch the descriptor: it is a plain file, or a limit is reached.
    public func register(
        descriptor: Int32, interest: Interest, _ onReady: @escaping (Readiness) -> Void
    ) throws(ReactorError) -> DescriptorRegistration {
        preconditionOwned()
        let registration = DescriptorRegistration(loop: self, descriptor: descriptor, onReady: onReady)
        do throws(ReactorError) {
            try registration.watch(interest)
        } catch {
            registration.deregister()
            throw error
        }
        return registration
    }
}
